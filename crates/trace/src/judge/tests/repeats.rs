//! Requests handled twice, spans delivered twice, and different spans that share an id.

use super::{judge, told, whole};
use crate::expect::At;
use crate::span::SpanKind;
use crate::testing::Recording;
use crate::verdict::Verdict;

#[test]
fn a_request_handled_twice_is_counted() {
    let mut recording = Recording::checkout();
    let call = recording.id_of(SpanKind::Client, "GET /api/check");
    recording.span(
        Some(call),
        &At::cluster("inventory-service"),
        SpanKind::Server,
        "GET /api/check",
    );
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  1 server span of inventory-service
      found     2 server spans of inventory-service
      cause     inventory-service@cluster handled the request 2 times
    ");
}

#[test]
fn a_request_handled_at_both_sites_is_counted_over_both() {
    let mut recording = Recording::checkout();
    let call = recording.id_of(SpanKind::Client, "POST /api/orders");
    recording.span(
        Some(call),
        &At::cluster("order-service"),
        SpanKind::Server,
        "POST /api/orders",
    );
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  no span of order-service@cluster
      found     1 span of order-service@cluster: `POST /api/orders`
      cause     order-service handled the request 2 times, at both sites
    ");
}

#[test]
fn exact_copies_do_no_harm_and_are_mentioned() {
    let mut recording = Recording::checkout();
    for span in recording
        .evidence()
        .trace
        .map(|trace| trace.spans().to_vec())
        .unwrap_or_default()
    {
        recording.push(span);
    }
    // The copies are timed with the originals, so that they stay exact.
    let verdict = judge(&recording.evidence(), &whole());
    assert!(verdict.is_pass(), "{verdict}");
    let Verdict::Pass { shown } = verdict else { return };
    assert_eq!(
        shown.last().map(String::as_str),
        Some("7 exact copies of spans already delivered, counted once")
    );
}

#[test]
fn different_spans_with_one_id_are_a_broken_tree() {
    let mut recording = Recording::checkout();
    let create = recording.id_of(SpanKind::Internal, "create-order");
    let twin = recording
        .spans()
        .iter()
        .find(|span| span.span_id == create)
        .cloned();
    recording.push(crate::span::Span {
        name: "another".to_owned(),
        ..twin.expect("it was recorded")
    });
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  one tree: a single root, every parent in the trace
      found     different spans share the id 8000000100000004: `another` of order-service@workstation and `create-order` of order-service@workstation
    ");
}
