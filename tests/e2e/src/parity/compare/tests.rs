//! Two runs with one thing planted: it is found, or is on the list and its entry is used.

use serde_json::{Value, json};
use testbed::EnvironmentName::{Containers, Embedded, Kind};
use trace::testing::Recording;
use trace::{Shape, Site, SpanKind};

use super::*;
use crate::parity::ATTRIBUTES;

const ORDER: &str = "intercepted_order_is_one_trace";

/// A run whose scenarios are given as `(name, result, shapes of its cases)`.
pub(crate) fn run(environment: EnvironmentName, scenarios: &[(&str, &str, Vec<Shape>)]) -> Recorded {
    let scenarios: Vec<Value> = scenarios
        .iter()
        .map(|(name, result, shapes)| {
            let case = |shape| json!({"label": "order", "verdict": {"verdict": "pass", "shown": []}, "shape": shape});
            let cases: Vec<Value> = shapes.iter().map(case).collect();
            let reason = (*result == "skipped").then_some("the environment can't do that");
            json!({"name": name, "round": 1, "result": result, "reason": reason, "cases": cases})
        })
        .collect();
    serde_json::from_value(
        json!({"run": "7f3a", "environment": environment, "scenarios": scenarios, "exit_code": 0}),
    )
    .expect("the form of a report")
}

fn whole() -> Shape {
    Shape::of(&Recording::checkout().evidence(), ATTRIBUTES)
}

fn in_the_cluster() -> Shape {
    Shape::of(&Recording::checkout_with(Site::Cluster).evidence(), ATTRIBUTES)
}

const SITE: Known = Known {
    here: &[Embedded],
    there: &[Kind],
    scenarios: &[ORDER],
    words: &[("@workstation", "@cluster"), ("=local-debug", "=0.1.0")],
    reason: "they differ",
};

fn with(environment: EnvironmentName, shape: Shape) -> Recorded {
    run(environment, &[(ORDER, "passed", vec![shape])])
}

#[test]
fn the_same_run_agrees_with_itself() {
    let one = with(Embedded, whole());
    let found = compare(&one, &with(Kind, whole()), &[]);
    assert!(found.holds(), "{found:?}");
    assert_eq!((found.compared[0].traces, found.compared[0].spans), (1, 7));
}

#[test]
fn a_planted_difference_in_a_trace_is_found_and_shown() {
    let mut lost = Recording::checkout();
    lost.lose_header(lost.id_of(SpanKind::Server, "GET /api/check"), 0);
    let lost = Shape::of(&lost.evidence(), ATTRIBUTES);
    let found = compare(&with(Embedded, whole()), &with(Kind, lost), &[]);
    assert!(!found.holds());
    let [
        Difference {
            what: What::Shape { diff },
            known: None,
            ..
        },
    ] = found.compared[0].differences.as_slice()
    else {
        panic!("{found:?}");
    };
    assert!(diff.contains("\n+ stray inventory-service@cluster"), "{diff}");
}

#[test]
fn another_value_of_an_attribute_that_must_agree_is_found_and_of_an_id_is_not() {
    let mut other = Recording::checkout();
    let create = other.id_of(SpanKind::Internal, "create-order");
    other.attribute(create, "order.id", "another-id");
    let same = compare(
        &with(Embedded, whole()),
        &with(Kind, Shape::of(&other.evidence(), ATTRIBUTES)),
        &[],
    );
    assert!(same.holds(), "{same:?}");
    other.attribute(create, "order.customer_id", "somebody-else");
    let found = compare(
        &with(Embedded, whole()),
        &with(Kind, Shape::of(&other.evidence(), ATTRIBUTES)),
        &[],
    );
    assert!(!found.holds());
}

#[test]
fn another_result_another_verdict_and_a_missing_case_are_found() {
    let left = with(Embedded, whole());
    let mut right = run(Kind, &[(ORDER, "failed", vec![])]);
    let found = compare(&left, &right, &[]);
    let differences = &found.compared[0].differences;
    assert!(
        matches!(differences[0].what, What::Result { .. }),
        "{differences:?}"
    );
    assert_eq!(differences[1].what, What::Missing { in_environment: Kind });

    right = with(Kind, whole());
    right.scenarios[0].cases[0].verdict = serde_json::from_value(
        json!({"verdict": "fail", "mismatches": [{"cause": {"kind": "header_lost"}}, {"cause": null}]}),
    )
    .expect("the form of a verdict");
    let found = compare(&left, &right, &[]);
    let (left, right) = ("pass".to_owned(), "fail (header_lost)".to_owned());
    assert_eq!(
        found.compared[0].differences[0].what,
        What::Verdict { left, right }
    );
}

#[test]
fn a_known_difference_is_shown_with_its_reason_in_either_order_of_the_environments() {
    for (left, right) in [
        (with(Embedded, whole()), with(Kind, in_the_cluster())),
        (with(Kind, in_the_cluster()), with(Embedded, whole())),
    ] {
        let found = compare(&left, &right, &[SITE]);
        assert!(found.holds(), "{found:?}");
        assert_eq!(
            found.compared[0].differences[0].known.as_deref(),
            Some("they differ")
        );
    }
}

#[test]
fn a_known_difference_excuses_nothing_else() {
    let mut more = Recording::checkout_with(Site::Cluster);
    more.drop_spans(|span| span.name == "process_order");
    let more = Shape::of(&more.evidence(), ATTRIBUTES);
    let beside = compare(&with(Embedded, whole()), &with(Kind, more), &[SITE]);
    assert_eq!(beside.unexpected(), 1, "something else differs too");
    let elsewhere = compare(&with(Containers, whole()), &with(Kind, in_the_cluster()), &[SITE]);
    assert_eq!(elsewhere.unexpected(), 1, "between other environments");
    let other = run(Embedded, &[("another_scenario", "passed", vec![whole()])]);
    let there = run(Kind, &[("another_scenario", "passed", vec![in_the_cluster()])]);
    assert_eq!(
        compare(&other, &there, &[SITE]).unexpected(),
        1,
        "in another scenario"
    );
}

#[test]
fn an_entry_whose_difference_does_not_show_is_reported() {
    let found = compare(&with(Embedded, whole()), &with(Kind, whole()), &[SITE]);
    assert_eq!(found.stale.len(), 1);
    assert!(!found.holds(), "the list must be true");
    let not_played = run(Kind, &[(ORDER, "skipped", vec![])]);
    assert_eq!(compare(&with(Embedded, whole()), &not_played, &[SITE]).stale, []);
    assert_eq!(
        compare(&with(Embedded, whole()), &with(Embedded, whole()), &[SITE]).stale,
        []
    );
}

#[test]
fn what_one_side_skipped_is_told_and_nothing_in_common_is_no_parity() {
    let left = with(Embedded, whole());
    let found = compare(&left, &run(Kind, &[(ORDER, "skipped", vec![])]), &[]);
    assert_eq!(
        found.only[0].reason.as_deref(),
        Some("the environment can't do that")
    );
    assert_eq!(found.only[0].in_environment, Embedded);
    assert!(!found.holds());
    let found = compare(&run(Kind, &[]), &left, &[]);
    assert_eq!(found.only[0].in_environment, Embedded);
}

#[test]
fn cases_of_one_name_are_compared_in_their_order() {
    let left = run(Embedded, &[(ORDER, "passed", vec![whole(), in_the_cluster()])]);
    let right = run(Kind, &[(ORDER, "passed", vec![whole(), in_the_cluster()])]);
    assert!(compare(&left, &right, &[]).holds());
    let right = run(Kind, &[(ORDER, "passed", vec![in_the_cluster(), whole()])]);
    assert_eq!(compare(&left, &right, &[]).unexpected(), 2);
}
