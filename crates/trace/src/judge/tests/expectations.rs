//! Errors, times, absence and attributes: what each of these expectations accepts, and what it never accepts.

use std::collections::BTreeSet;
use std::time::Duration;

use rstest::rstest;

use super::{judge, order, told};
use crate::expect::{Expectation, Matcher, SpanSelector};
use crate::span::{SpanKind, Value};
use crate::testing::Recording;

#[test]
fn an_unexpected_error_is_told_where_it_began() {
    let mut recording = Recording::checkout();
    recording.fail(recording.id_of(SpanKind::Server, "POST /checkout"), "status 500");
    recording.fail(
        recording.id_of(SpanKind::Client, "POST /api/orders"),
        "status 500",
    );
    recording.fail(recording.id_of(SpanKind::Internal, "process_order"), "sold out");
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  no span with an error
      found     error on `process_order` of order-service@workstation: sold out, and on 2 more spans
    ");
}

#[test]
fn an_expected_error_that_is_not_there_is_a_failure() {
    let recording = Recording::checkout();
    let expected = [Expectation::Error {
        select: SpanSelector::at(&order()),
    }];
    insta::assert_snapshot!(judge(&recording.evidence(), &expected), @"
    fail
      expected  an error on a span of order-service@workstation
      found     4 spans of order-service@workstation without an error
    ");
}

#[test]
fn a_span_that_takes_too_long_is_told_with_its_time() {
    let expected = [Expectation::Duration {
        select: SpanSelector::at(&order()).named("process_order"),
        min: Some(Duration::from_secs(2)),
        max: None,
    }];
    insta::assert_snapshot!(judge(&Recording::checkout().evidence(), &expected), @"
    fail
      expected  every span `process_order` of order-service@workstation takes at least 2 s
      found     `process_order` of order-service@workstation took 500 µs
    ");
}

#[test]
fn expecting_nothing_is_a_failure() {
    insta::assert_snapshot!(judge(&Recording::checkout().evidence(), &[]), @"
    fail
      expected  at least one expectation
      found     nothing was expected, so nothing can be shown
    ");
}

#[rstest]
#[case::no_stray(Expectation::NoStray)]
#[case::no_error(Expectation::NoError)]
#[case::absent(Expectation::Absent { select: SpanSelector::default() })]
#[case::none_counted(Expectation::Count { select: SpanSelector::default(), count: 0 })]
#[case::no_place(Expectation::Path(Vec::new()))]
#[case::no_site(Expectation::Sites(BTreeSet::new()))]
fn an_empty_trace_satisfies_nothing_by_itself(#[case] expected: Expectation) {
    let verdict = judge(&Recording::new(1).evidence(), std::slice::from_ref(&expected));
    assert!(!verdict.is_pass(), "{expected}: {verdict}");
}

#[test]
fn absence_can_be_shown_beside_something_positive() {
    let recording = Recording::new(1);
    let expected = [
        Expectation::Status(201),
        Expectation::Absent {
            select: SpanSelector::default(),
        },
    ];
    assert!(judge(&recording.evidence(), &expected).is_pass());
}

#[test]
fn a_span_of_the_wrong_place_in_a_stray_trace_is_not_absent() {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /api/orders"), 0);
    let expected = [
        Expectation::Status(201),
        Expectation::Absent {
            select: SpanSelector::at(&order()),
        },
    ];
    insta::assert_snapshot!(judge(&recording.evidence(), &expected), @"
    fail
      expected  no span of order-service@workstation
      found     4 spans of order-service@workstation: `POST /api/orders`, `create-order`, `GET /api/check` and 1 more under trace 4bf8…
      cause     the traceparent header was lost between storefront and order-service (request r-81)
    ");
}

#[rstest]
#[case(Matcher::Present, true)]
#[case(Matcher::Absent, false)]
#[case(Matcher::Equals(Value::Int(3)), true)]
#[case(Matcher::Equals(Value::from("3")), false)]
#[case(Matcher::Equals(Value::Double(3.0)), false)]
#[case(Matcher::Text("3".to_owned()), true)]
#[case(Matcher::Text("30".to_owned()), false)]
#[case(Matcher::StartsWith(String::new()), true)]
#[case(Matcher::StartsWith("4".to_owned()), false)]
fn attributes_are_compared_as_their_matcher_says(#[case] matcher: Matcher, #[case] holds: bool) {
    let mut recording = Recording::checkout();
    recording.attribute(
        recording.id_of(SpanKind::Internal, "create-order"),
        "order.quantity",
        3,
    );
    let expected = [Expectation::Attributes {
        select: SpanSelector::at(&order()).named("create-order"),
        attributes: vec![("order.quantity".to_owned(), matcher)],
    }];
    let verdict = judge(&recording.evidence(), &expected);
    assert_eq!(verdict.is_pass(), holds, "{verdict}");
}
