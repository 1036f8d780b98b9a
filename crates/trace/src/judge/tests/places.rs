//! Requests that took another way than expected, or reached nobody, and which ways satisfy an expected path.

use rstest::rstest;

use super::{cause, judge, path, told};
use crate::evidence::Answer;
use crate::expect::{At, Expectation};
use crate::names;
use crate::site::Site;
use crate::span::{SpanKind, Value};
use crate::testing::Recording;

/// The request without what the callee of the first span with this name would have recorded.
fn without(mut recording: Recording, service: &str) -> Recording {
    let callee = recording
        .spans()
        .iter()
        .find(|span| span.service().as_str() == service)
        .map(|span| span.span_id);
    let lost = callee.map(|callee| recording.below(callee)).unwrap_or_default();
    recording.accounts(recording.evidence().accounts);
    recording.drop_spans(|span| lost.contains(&span.span_id));
    recording
}

#[test]
fn a_path_that_breaks_off_points_at_the_unanswered_call_and_one_that_goes_astray_at_what_is_there_instead() {
    let at = |recording: &Recording| judge(&recording.evidence(), &[path()]).mismatches()[0].at;
    let mut lost = Recording::checkout();
    lost.lose_header(lost.id_of(SpanKind::Server, "POST /api/orders"), 0);
    assert_eq!(at(&lost), Some(lost.id_of(SpanKind::Client, "POST /api/orders")));
    let astray = Recording::checkout_with(Site::Cluster);
    assert_eq!(
        at(&astray),
        Some(astray.id_of(SpanKind::Server, "POST /api/orders"))
    );
    let mut nothing = Recording::checkout();
    nothing.drop_spans(|span| span.service().as_str() != "inventory-service");
    assert_eq!(at(&nothing), None);
}

#[test]
fn a_request_served_by_the_wrong_site_says_which() {
    insta::assert_snapshot!(told(&Recording::checkout_with(Site::Cluster)), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster → order-service@cluster → inventory-service@cluster
      cause     order-service was served by the cluster, not by the workstation
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
      also      expected no span of order-service@cluster, found 4 spans of order-service@cluster: `POST /api/orders`, `create-order`, `GET /api/check` and 1 more
    "#);
}

#[test]
fn a_wrong_version_is_not_a_wrong_site() {
    let mut recording = Recording::checkout();
    recording.edit_service("order-service", |span| {
        let mut resource = (*span.resource).clone();
        resource
            .attributes
            .insert(names::SERVICE_VERSION.to_owned(), Value::from("0.1.0"));
        span.resource = resource.into();
    });
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug"
      found     `create-order` of order-service@workstation having service.version = "0.1.0"
      cause     order-service@workstation ran version 0.1.0, not local-debug
    "#);
}

#[test]
fn a_service_that_nobody_reached_is_named_with_its_callers_words() {
    let mut recording = without(Recording::checkout(), "order-service");
    let call = recording.id_of(SpanKind::Client, "POST /api/orders");
    recording.attribute(call, names::HTTP_STATUS, 502);
    recording.fail(call, "");
    recording.fail(
        recording.id_of(SpanKind::Server, "POST /checkout"),
        "order-service is not there",
    );
    let body = r#"{"title":"order-service unreachable"}"#;
    recording.answer(Answer::Response {
        status: 502,
        body: body.to_owned(),
    });
    recording.accounts(vec![crate::testing::account("storefront", Site::Cluster, 2)]);
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  status 201
      found     status 502: {"title":"order-service unreachable"}
      cause     storefront@cluster could not reach order-service: status 502
      also      expected storefront@cluster → order-service@workstation → inventory-service@cluster, found storefront@cluster
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected 1 server span of inventory-service, found no span of inventory-service
      also      expected no span with an error, found error on `POST /api/orders` of storefront@cluster: status 502, and on 1 more span
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
    "#);
}

#[test]
fn a_request_that_reached_nobody_says_so() {
    let mut recording = Recording::new(1);
    recording.answer(Answer::Failed("connection refused (127.0.0.1:38211)".to_owned()));
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  status 201
      found     no answer: connection refused (127.0.0.1:38211)
      cause     the caller could not reach storefront: connection refused (127.0.0.1:38211)
      also      expected storefront@cluster → order-service@workstation → inventory-service@cluster, found no span under trace 4bf9…
      also      expected spans from cluster and workstation, found no span from a known site
      also      expected one tree: a single root, every parent in the trace, found no span under trace 4bf9…
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected 1 server span of inventory-service, found no span of inventory-service
      also      expected no span with an error, found no span under trace 4bf9…
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
    "#);
}

#[test]
fn a_call_that_was_never_made_is_not_a_lost_span() {
    let mut recording = Recording::checkout();
    let call = recording.id_of(SpanKind::Client, "GET /api/check");
    let gone = recording.below(call);
    recording.accounts(recording.evidence().accounts);
    recording.drop_spans(|span| gone.contains(&span.span_id));
    insta::assert_snapshot!(cause(&recording).map(|cause| cause.to_string()).unwrap_or_default(), @"order-service@workstation made no call that could have reached inventory-service");
}

#[rstest]
#[case::all(&["storefront@cluster", "order-service@workstation", "inventory-service@cluster"], true)]
#[case::beginning(&["storefront@cluster", "order-service@workstation"], true)]
#[case::end(&["order-service@workstation", "inventory-service@cluster"], true)]
#[case::any_site(&["storefront", "order-service", "inventory-service"], true)]
#[case::one(&["inventory-service@cluster"], true)]
#[case::gap(&["storefront@cluster", "inventory-service@cluster"], false)]
#[case::backwards(&["order-service@workstation", "storefront@cluster"], false)]
#[case::twice(&["order-service@workstation", "order-service@workstation"], true)]
#[case::other_site(&["storefront@cluster", "order-service@cluster"], false)]
#[case::too_long(&["storefront", "order-service", "inventory-service", "stock"], false)]
fn a_path_is_a_run_of_neighbouring_places(#[case] path: &[&str], #[case] holds: bool) {
    let at = |text: &&str| match text.split_once('@') {
        None => At::anywhere(*text),
        Some((service, "cluster")) => At::cluster(service),
        Some((service, _)) => At::workstation(service),
    };
    let expected = [Expectation::Path(path.iter().map(at).collect())];
    let verdict = judge(&Recording::checkout().evidence(), &expected);
    assert_eq!(verdict.is_pass(), holds, "{verdict}");
}
