//! Trace context that was there and was not understood, or not handed on inside a process.

use super::{cause, estranged, told};
use crate::span::SpanKind;
use crate::testing::Recording;
use crate::verdict::Cause;

fn speaking(mut recording: Recording, service: &str, names: &[&str]) -> Recording {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    recording.edit_account(service, |account| account.propagators.clone_from(&names));
    recording
}

#[test]
fn neighbours_that_speak_different_formats_are_named_on_both_sides() {
    insta::assert_snapshot!(told(&speaking(estranged(), "order-service", &["b3"])), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster, and order-service@workstation under trace 4bf8…, and inventory-service@cluster under trace 4bfb…
      cause     the traceparent header was lost between storefront and order-service (request r-81): order-service@workstation speaks b3, its neighbour tracecontext
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected no other trace of request r-81, found order-service@workstation under trace 4bf8…, and inventory-service@cluster under trace 4bfb…
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
      expected  1 server span of inventory-service
      found     no span of inventory-service
      cause     the traceparent header was lost between order-service and inventory-service (request r-81): order-service@workstation speaks b3, its neighbour tracecontext
    "#);
}

#[test]
fn a_process_without_propagators_is_named_too() {
    let recording = speaking(estranged(), "order-service", &["none"]);
    let cause = cause(&recording)
        .map(|cause| cause.to_string())
        .unwrap_or_default();
    insta::assert_snapshot!(cause, @"the traceparent header was lost between storefront and order-service (request r-81): order-service@workstation speaks none, its neighbour tracecontext");
}

#[test]
fn who_could_understand_has_lost_the_header_otherwise() {
    for names in [&["tracecontext"][..], &["b3", "tracecontext"], &[]] {
        let recording = speaking(estranged(), "order-service", names);
        assert!(
            matches!(cause(&recording), Some(Cause::HeaderLost { .. })),
            "{names:?}"
        );
    }
    // Who reads B3 takes both of its forms.
    let recording = speaking(estranged(), "storefront", &["b3multi", "baggage"]);
    let recording = speaking(recording, "order-service", &["b3"]);
    assert!(matches!(cause(&recording), Some(Cause::HeaderLost { .. })));
}

#[test]
fn the_caller_speaks_trace_context() {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /checkout"), 0);
    let recording = speaking(recording, "storefront", &["b3multi"]);
    let cause = cause(&recording)
        .map(|cause| cause.to_string())
        .unwrap_or_default();
    insta::assert_snapshot!(cause, @"the traceparent header was lost between the caller and storefront (request r-81): storefront@cluster speaks b3multi, its neighbour tracecontext");
}

#[test]
fn a_span_that_began_a_trace_inside_its_process_has_lost_the_context() {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Internal, "process_order"), 0);
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  no other trace of request r-81
      found     order-service@workstation under trace 4bf8…
      cause     context lost inside order-service: `process_order` began a trace of its own (request r-81)
    ");
}

#[test]
fn a_span_whose_parent_is_only_missing_did_not_begin_a_trace() {
    let mut recording = Recording::checkout();
    let (server, create) = (
        recording.id_of(SpanKind::Server, "POST /api/orders"),
        recording.id_of(SpanKind::Internal, "create-order"),
    );
    recording.lose_header(server, 0);
    recording.drop_spans(|span| span.span_id == server);
    assert!(recording.spans().iter().any(|span| span.span_id == create));
    assert!(matches!(cause(&recording), Some(Cause::HeaderLost { .. })));
}
