//! Trace context that is lost or changed on the way, told with the two places between which it happened.

use super::{cause, estranged, order, told};
use crate::expect::At;
use crate::span::SpanKind;
use crate::testing::Recording;
use crate::verdict::Cause;

#[test]
fn a_header_lost_between_two_services_is_named_with_the_stray_trace() {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "GET /api/check"), 0);
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster → order-service@workstation, and inventory-service@cluster under trace 4bf8…
      cause     the traceparent header was lost between order-service and inventory-service (request r-81)
      also      expected no other trace of request r-81, found inventory-service@cluster under trace 4bf8…
      also      expected 1 server span of inventory-service, found no span of inventory-service
    ");
}

#[test]
fn a_header_lost_in_the_proxy_is_named_between_its_two_sides() {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /api/orders"), 0);
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster, and order-service@workstation → inventory-service@cluster under trace 4bf8…
      cause     the traceparent header was lost between storefront and order-service (request r-81)
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected no other trace of request r-81, found order-service@workstation → inventory-service@cluster under trace 4bf8…
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected 1 server span of inventory-service, found no span of inventory-service
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
    "#);
}

#[test]
fn a_header_lost_before_the_first_service_is_named_too() {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /checkout"), 0);
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     no span under trace 4bf9…, and storefront@cluster → order-service@workstation → inventory-service@cluster under trace 4bf8…
      cause     the traceparent header was lost between the caller and storefront (request r-81)
      also      expected spans from cluster and workstation, found no span from a known site
      also      expected one tree: a single root, every parent in the trace, found no span under trace 4bf9…
      also      expected no other trace of request r-81, found storefront@cluster → order-service@workstation → inventory-service@cluster under trace 4bf8…
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected 1 server span of inventory-service, found no span of inventory-service
      also      expected no span with an error, found no span under trace 4bf9…
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
    "#);
}

#[test]
fn a_trace_id_that_changes_on_the_way_is_a_lost_header_even_when_the_parent_is_right() {
    let mut recording = Recording::checkout();
    let callee = recording.id_of(SpanKind::Server, "GET /api/check");
    let other = recording.other_trace_id(0);
    recording.edit(callee, |span| span.trace_id = other);
    assert!(matches!(
        cause(&recording),
        Some(Cause::HeaderLost { from, to, stray, .. })
            if from == order() && to == At::cluster("inventory-service") && stray == other
    ));
}

#[test]
fn two_lost_headers_are_both_told_and_the_first_one_is_the_primary_cause() {
    insta::assert_snapshot!(told(&estranged()), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster, and order-service@workstation under trace 4bf8…, and inventory-service@cluster under trace 4bfb…
      cause     the traceparent header was lost between storefront and order-service (request r-81)
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected no other trace of request r-81, found order-service@workstation under trace 4bf8…, and inventory-service@cluster under trace 4bfb…
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
      expected  1 server span of inventory-service
      found     no span of inventory-service
      cause     the traceparent header was lost between order-service and inventory-service (request r-81)
    "#);
}
