//! Which scenarios and twins a run plays.

use crate::scenario::{Fault, Scenario, Twin};

/// One scenario of a run, with the twins to play beside it.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The scenario.
    pub scenario: &'static Scenario,
    /// Whether it is played itself, or only its twins.
    pub itself: bool,
    /// The twins to play.
    pub twins: Vec<&'static Twin>,
}

impl Selected {
    /// What is played, in order; `None` is the scenario itself. It comes first, except before a twin that would have to make anew
    /// what the scenario takes away, which takes longer than all else that it does: the connection to the cluster.
    pub fn in_order(&self) -> impl Iterator<Item = Option<&'static Twin>> {
        let (before, after): (Vec<_>, Vec<_>) = self
            .twins
            .iter()
            .copied()
            .partition(|twin| twin.fault == Fault::NotDisconnected);
        let itself = self.itself.then_some(None);
        let before = before.into_iter().map(Some);
        before.chain(itself).chain(after.into_iter().map(Some))
    }
}

/// Why nothing can be selected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A name that is neither a scenario nor `scenario/twin`.
    #[error("no scenario is called `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// Nothing would be played, and a run that proves nothing must not be green.
    #[error("the selection holds no scenario")]
    Empty,
}

impl SelectionError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown {
                nearest: Some(nearest),
                ..
            } => {
                format!("did you mean `{nearest}`? `cargo xtask e2e --list` shows all of them")
            }
            _ => "`cargo xtask e2e --list` shows all of them".to_owned(),
        }
    }
}

/// Picks from `all` by names; no name means everything.
///
/// # Errors
/// An unknown name, or nothing left to play.
pub fn select(
    all: &'static [Scenario],
    names: &[String],
    twins: bool,
) -> Result<Vec<Selected>, SelectionError> {
    for name in names {
        if !every_name(all).any(|known| known == *name) {
            return Err(SelectionError::Unknown {
                name: name.clone(),
                nearest: nearest(all, name),
            });
        }
    }
    let selected: Vec<Selected> = all
        .iter()
        .filter_map(|scenario| {
            let itself = names.is_empty() || names.iter().any(|name| name == scenario.name);
            let wanted = |twin: &&Twin| itself || names.contains(&full_name(scenario, twin));
            let twins = if twins {
                scenario.twins.iter().filter(wanted).collect()
            } else {
                Vec::new()
            };
            (itself || !twins.is_empty()).then_some(Selected {
                scenario,
                itself,
                twins,
            })
        })
        .collect();
    if selected.is_empty() {
        Err(SelectionError::Empty)
    } else {
        Ok(selected)
    }
}

/// `scenario/twin`, the name of a twin on the command line.
#[must_use]
pub fn full_name(scenario: &Scenario, twin: &Twin) -> String {
    format!("{}/{}", scenario.name, twin.name)
}

fn every_name(all: &'static [Scenario]) -> impl Iterator<Item = String> {
    all.iter().flat_map(|scenario| {
        std::iter::once(scenario.name.to_owned())
            .chain(scenario.twins.iter().map(|twin| full_name(scenario, twin)))
    })
}

/// The known name that shares most words with what was typed.
fn nearest(all: &'static [Scenario], typed: &str) -> Option<String> {
    let words = |text: &str| -> Vec<String> {
        text.split(['_', '/', '-', ' '])
            .filter(|word| word.len() > 2)
            .map(str::to_lowercase)
            .collect()
    };
    let typed = words(typed);
    every_name(all)
        .map(|name| {
            let known = words(&name);
            let shared = typed.iter().filter(|word| known.contains(word)).count();
            (shared, std::cmp::Reverse(name.len()), name)
        })
        .max()
        .and_then(|(shared, _, name)| (shared > 0).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::ALL;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_a_name_everything_is_played() {
        let selected = select(ALL, &[], true).unwrap();
        assert_eq!(selected.len(), ALL.len());
        assert!(
            selected
                .iter()
                .all(|one| one.itself && one.twins.len() == one.scenario.twins.len())
        );
    }

    #[test]
    fn a_scenario_comes_before_its_twins_unless_it_takes_away_what_they_need() {
        let order = |name: &str| -> Vec<Option<&str>> {
            let selected = select(ALL, &names(&[name]), true).unwrap();
            let played = selected[0].in_order();
            played.map(|twin| twin.map(|twin| twin.name)).collect()
        };
        assert_eq!(
            order("the_walkthrough_from_connect_to_quit"),
            [Some("not_quit"), None]
        );
        for scenario in ALL
            .iter()
            .filter(|one| one.name != "the_walkthrough_from_connect_to_quit")
        {
            assert_eq!(order(scenario.name).first(), Some(&None), "{}", scenario.name);
        }
    }

    #[test]
    fn a_twin_can_be_played_alone() {
        let selected = select(ALL, &names(&["intercepted_order_is_one_trace/spans_late"]), true).unwrap();
        assert_eq!(selected.len(), 1);
        assert!(!selected[0].itself);
        assert_eq!(selected[0].twins.len(), 1);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_knows_the_nearest() {
        let error = select(ALL, &names(&["intercepted_order"]), true).unwrap_err();
        assert_eq!(
            error,
            SelectionError::Unknown {
                name: "intercepted_order".into(),
                nearest: Some("intercepted_order_is_one_trace".into())
            }
        );
    }

    #[test]
    fn a_selection_of_nothing_is_an_error() {
        assert_eq!(select(&[], &[], true).unwrap_err(), SelectionError::Empty);
        let only_twin = names(&["intercepted_order_is_one_trace/spans_late"]);
        assert_eq!(select(ALL, &only_twin, false).unwrap_err(), SelectionError::Empty);
    }

    #[test]
    fn every_scenario_has_a_twin_that_must_fail() {
        use crate::scenario::Judged;
        for scenario in ALL {
            let fails = |twin: &&Twin| matches!(twin.judged, Judged::Fails(_) | Judged::FailsWithoutCause);
            assert!(
                scenario.twins.iter().any(|twin| fails(&twin)),
                "{}",
                scenario.name
            );
        }
    }

    #[test]
    fn names_are_unique() {
        let mut seen = std::collections::BTreeSet::new();
        assert!(every_name(ALL).all(|name| seen.insert(name)));
    }
}
