//! The moments of a run at which it is ended, taken from the events of a run that was not: a new step is walked through by itself.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::Value;

/// The n-th event of that kind and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    event: String,
    name: String,
    nth: usize,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.event, self.name)?;
        if self.nth > 1 {
            write!(f, " ({})", self.nth)?;
        }
        Ok(())
    }
}

impl Moment {
    /// Every beginning of a step, every undone entry and every verdict, in their order.
    pub(crate) fn all(events: &[Value]) -> Vec<Self> {
        let mut seen = BTreeMap::new();
        let mut moments = Vec::new();
        for event in events {
            let Some((event, name)) = key(event) else { continue };
            let nth = seen.entry((event.clone(), name.clone())).or_insert(0);
            *nth += 1;
            moments.push(Self {
                event,
                name,
                nth: *nth,
            });
        }
        moments
    }

    /// Whether everything that was to be played has been played by then.
    pub(crate) fn is_in_the_undo(&self) -> bool {
        self.event == "undo_finished"
    }

    /// Recognises the moment as events come.
    pub(crate) fn matcher(&self) -> impl Fn(&Value) -> bool + '_ {
        let seen = Cell::new(0);
        move |value| {
            let same = key(value).is_some_and(|(event, name)| event == self.event && name == self.name);
            seen.set(seen.get() + usize::from(same));
            same && seen.get() == self.nth
        }
    }
}

/// What kind of moment, and of what; without numbers, which are another run's.
fn key(event: &Value) -> Option<(String, String)> {
    let kind = event["event"].as_str()?;
    let name = match kind {
        "step_started" => &event["step"],
        "undo_finished" => &event["name"],
        "scenario_finished" => &event["scenario"],
        _ => return None,
    };
    let mut plain = String::new();
    for c in name.as_str()?.chars() {
        match c.is_ascii_digit() {
            true if plain.ends_with('N') => {}
            true => plain.push('N'),
            false => plain.push(c),
        }
    }
    Some((kind.to_owned(), plain))
}

/// Which moments are walked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Those whose names have one of these in them.
    Some(Vec<String>),
    /// Every `of`-th, beginning with the `part`-th.
    Part { part: usize, of: usize },
}

impl Choice {
    /// `all`, a part like `2/5`, or a part of a name; without it, `few`.
    pub(crate) fn read(variable: Option<&str>, few: &[&str]) -> Self {
        let part = |text: &str| {
            let (part, of) = text.split_once('/')?;
            let (part, of) = (part.parse().ok()?, of.parse().ok()?);
            (1 <= part && part <= of).then_some(Self::Part { part, of })
        };
        match variable {
            None | Some("") => Self::Some(few.iter().map(|&name| name.to_owned()).collect()),
            Some("all") => Self::Part { part: 1, of: 1 },
            Some(text) => part(text).unwrap_or_else(|| Self::Some(vec![text.to_owned()])),
        }
    }

    /// The chosen ones.
    pub(crate) fn of(&self, moments: Vec<Moment>) -> Vec<Moment> {
        match self {
            Self::Some(names) => moments
                .into_iter()
                .filter(|moment| {
                    names
                        .iter()
                        .any(|name| moment.to_string().contains(name.as_str()))
                })
                .collect(),
            Self::Part { part, of } => moments.into_iter().skip(part - 1).step_by(*of).collect(),
        }
    }
}

#[test]
fn moments_are_counted_and_their_numbers_are_left_out() {
    let step = |name: &str| serde_json::json!({"event": "step_started", "step": name});
    let events = [
        step("proof: pid 42 answers"),
        step("leave"),
        step("proof: pid 4711 answers"),
        serde_json::json!({"event": "note", "text": "x"}),
    ];
    let moments = Moment::all(&events);
    let names: Vec<String> = moments.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "step_started proof: pid N answers",
            "step_started leave",
            "step_started proof: pid N answers (2)"
        ]
    );
    let matches = moments[2].matcher();
    assert!(!matches(&step("proof: pid 1 answers")));
    assert!(matches(&step("proof: pid 2 answers")));
    assert_eq!(
        Choice::read(Some("2/2"), &[]).of(moments.clone()),
        [moments[1].clone()]
    );
    assert_eq!(
        Choice::read(Some("leave"), &[]).of(moments.clone()),
        [moments[1].clone()]
    );
    assert_eq!(Choice::read(Some("all"), &[]).of(moments.clone()), moments);
    assert_eq!(
        Choice::read(None, &["leave"]).of(moments.clone()),
        [moments[1].clone()]
    );
}
