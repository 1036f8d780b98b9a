//! The log of a failing run in GitHub Actions.

use std::time::Duration;

use testbed::event::{Counts, Event, Outcome};
use testbed::{EnvironmentName, RunId};
use trace::{Mismatch, Verdict};

use super::Commands;
use crate::report::recorded::NASTY;

fn started() -> Event {
    Event::RunStarted {
        run: "7f3a".parse::<RunId>().unwrap(),
        environment: EnvironmentName::Embedded,
        dir: "/runs/7f3a".into(),
        chosen: None,
        cannot_prove: None,
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn begun(scenario: &str) -> Event {
    Event::ScenarioStarted {
        scenario: scenario.to_owned(),
        twin_of: None,
    }
}

fn judged(scenario: &str, twin_of: Option<&str>, verdict: Verdict, as_expected: bool) -> Event {
    Event::ScenarioFinished {
        scenario: scenario.to_owned(),
        twin_of: twin_of.map(str::to_owned),
        verdict,
        as_expected,
        took: Duration::from_millis(61),
        file: None,
    }
}

fn failed() -> Verdict {
    Verdict::Fail {
        mismatches: vec![Mismatch {
            expected: "storefront@cluster → order-service@workstation".to_owned(),
            found: NASTY.to_owned(),
            at: None,
            cause: None,
        }],
    }
}

fn passed() -> Verdict {
    Verdict::Pass { shown: Vec::new() }
}

fn undone() -> Event {
    Event::UndoFinished {
        name: "otlp receiver".to_owned(),
        took: Duration::ZERO,
        outcome: Outcome::Ok,
    }
}

fn ended(exit_code: u8) -> Event {
    Event::RunFinished {
        exit_code,
        counts: Counts::default(),
        took: Duration::from_secs(1),
    }
}

fn all(events: &[Event]) -> Vec<String> {
    let mut commands = Commands::default();
    let both = events.iter().flat_map(|event| {
        let mut lines = commands.before(event);
        lines.extend(commands.after(event));
        lines
    });
    both.collect()
}

#[test]
fn a_failing_run_is_annotated_and_only_its_steps_are_folded() {
    let events = [
        started(),
        begun("baseline"),
        judged("baseline", None, passed(), true),
        begun("intercepted: one"),
        judged("intercepted: one", None, failed(), false),
        begun("baseline/off"),
        judged("baseline/off", Some("baseline"), passed(), false),
        Event::Warning {
            text: NASTY.to_owned(),
            hint: Some("look again".to_owned()),
        },
        undone(),
        undone(),
        ended(10),
    ];
    insta::assert_snapshot!(all(&events).join("\n"));
}

#[test]
fn every_group_is_closed_before_the_next_one_and_before_the_end() {
    let step = Event::StepFinished {
        step: "otlp receiver".to_owned(),
        took: Duration::ZERO,
        outcome: Outcome::TimedOut,
        detail: None,
    };
    for events in [
        vec![started(), ended(130)],
        vec![started(), begun("a"), undone(), ended(130)],
        vec![started(), step, ended(12)],
        vec![
            started(),
            begun("a"),
            judged("a", None, passed(), true),
            undone(),
            ended(0),
        ],
    ] {
        let mut open = false;
        for line in all(&events) {
            if line.starts_with("::group::") {
                assert!(!open, "groups don't nest");
                open = true;
            } else if line == "::endgroup::" {
                assert!(open);
                open = false;
            }
        }
        assert!(!open, "{:?}", all(&events));
    }
}

#[test]
fn a_run_that_played_nothing_is_an_error_with_its_reason() {
    let missing = |text: &str, hint: Option<&str>| Event::Error {
        text: text.to_owned(),
        hint: hint.map(str::to_owned),
    };
    let lines = all(&[
        started(),
        missing("docker is not on PATH", None),
        missing("port 8080 is taken", Some("end who has it")),
        ended(13),
    ]);
    assert_eq!(
        lines.last().unwrap(),
        "::error title=Throughline%3A prerequisite missing::\
         docker is not on PATH%0Aport 8080 is taken%0Ahint: end who has it"
    );
    assert!(
        !all(&[started(), ended(0)])
            .iter()
            .any(|line| line.starts_with("::error"))
    );
}

#[test]
fn the_last_of_too_many_errors_says_how_many_more_there_are() {
    let mut events = vec![started()];
    events.extend((0..12).map(|number| judged(&format!("s{number}"), None, failed(), false)));
    events.push(ended(10));
    let errors: Vec<String> = all(&events)
        .into_iter()
        .filter(|line| line.starts_with("::error"))
        .collect();
    assert_eq!(errors.len(), 10);
    assert!(
        errors[9].ends_with("::3 more not as expected: see the summary"),
        "{}",
        errors[9]
    );
}
