//! A run as JUnit XML: valid whatever it is about, and never greener than the run.

use testbed::event::Counts;
use trace::testing::Recording;

use super::schema::violations;
use super::xml;
use crate::report::model::{Outcome, Playing, RunReport, StepReport};
use crate::report::recorded::{NASTY, case, failing_run, lost_header, run, scenario};

fn valid(report: &RunReport) -> String {
    let xml = xml(report).unwrap();
    assert_eq!(violations(&xml), Vec::<String>::new(), "{xml}");
    xml
}

#[test]
fn a_failing_run_says_what_failed_and_why() {
    insta::assert_snapshot!(valid(&failing_run()));
}

#[test]
fn no_text_from_elsewhere_breaks_the_file() {
    let mut report = failing_run();
    report.chosen = Some(NASTY.to_owned());
    report.undo[0].error = Some(NASTY.to_owned());
    report.undo[0].name = NASTY.to_owned();
    for one in &mut report.scenarios {
        one.error = Some(NASTY.to_owned());
    }
    let xml = valid(&report);
    assert!(xml.contains("100 % of ]]&gt; &lt;b&gt;"), "{xml}");
    assert!(xml.contains("second line"), "{xml}");
}

#[test]
fn steps_of_a_scenario_are_told_with_the_round_they_belong_to() {
    let mut report = run(
        vec![
            scenario("a", Outcome::Passed, Vec::new()),
            scenario("a", Outcome::Passed, Vec::new()),
        ],
        Counts::default(),
    );
    report.scenarios[1].round = 2;
    report.steps.push(StepReport {
        name: "leave order-service".to_owned(),
        scenario: Some(Playing {
            scenario: "a".to_owned(),
            round: 2,
        }),
        took_ms: 1.0,
        error: None,
        detail: None,
    });
    let xml = valid(&report);
    let (first, second) = xml.split_once("a (round 2)").unwrap();
    assert!(!first.contains("leave order-service"), "{first}");
    assert!(second.contains("leave order-service"), "{second}");
}

#[test]
fn a_run_that_is_not_green_is_red_in_junit_whatever_the_reason() {
    let red = |report: &RunReport| {
        let xml = valid(report);
        xml.contains("<failure") || xml.contains("<error")
    };
    let green = run(
        vec![scenario(
            "a",
            Outcome::Passed,
            vec![case("order", &Recording::checkout())],
        )],
        Counts {
            passed: 1,
            ..Counts::default()
        },
    );
    assert!(!red(&green));
    let mut skipped = green.clone();
    skipped.scenarios[0].outcome = Outcome::Skipped {
        reason: NASTY.to_owned(),
    };
    assert!(!red(&skipped), "skipped is no failure by itself");

    let mut nothing_proven = skipped;
    nothing_proven.exit_code = 13;
    nothing_proven.exit_meaning = "prerequisite missing";
    assert!(red(&nothing_proven), "nor is it a success");
    let mut not_undone = green.clone();
    not_undone.exit_code = 14;
    not_undone.undo[0].error = Some("timed out".to_owned());
    assert!(red(&not_undone));
    let mut interrupted = green.clone();
    interrupted.exit_code = 130;
    interrupted.exit_meaning = "interrupted";
    assert!(red(&interrupted));
    for outcome in [Outcome::Failed, Outcome::Inconclusive] {
        let mut bad = green.clone();
        bad.exit_code = 10;
        bad.scenarios[0] = scenario("a", outcome, vec![case("order", &lost_header())]);
        assert!(red(&bad));
    }
}
