//! What the judge says of the walkthrough's request when one thing is broken on purpose.

use std::collections::BTreeSet;
use std::time::Duration;

use rstest::rstest;

use super::judge;
use crate::evidence::Answer;
use crate::expect::{At, Expectation, Matcher, SpanSelector};
use crate::names;
use crate::site::Site;
use crate::span::{SpanKind, Value};
use crate::testing::Recording;
use crate::verdict::{Cause, Verdict};

fn order() -> At {
    At::workstation("order-service")
}

fn path() -> Expectation {
    Expectation::Path(vec![
        At::cluster("storefront"),
        order(),
        At::cluster("inventory-service"),
    ])
}

/// Everything that the walkthrough's request should show.
pub(crate) fn whole() -> Vec<Expectation> {
    vec![
        Expectation::Status(201),
        path(),
        Expectation::Sites(BTreeSet::from([Site::Cluster, Site::Workstation])),
        Expectation::Connected,
        Expectation::NoStray,
        Expectation::Attributes {
            select: SpanSelector::at(&order()).named("create-order"),
            attributes: vec![
                ("order.id".to_owned(), Matcher::Present),
                (
                    names::SERVICE_VERSION.to_owned(),
                    Matcher::Equals(names::LOCAL_DEBUG.into()),
                ),
            ],
        },
        Expectation::Count {
            select: SpanSelector::service("inventory-service").kind(SpanKind::Server),
            count: 1,
        },
        Expectation::NoError,
        Expectation::Duration {
            select: SpanSelector::at(&order()).kind(SpanKind::Server),
            min: Some(Duration::from_millis(1)),
            max: Some(Duration::from_secs(2)),
        },
        Expectation::Absent {
            select: SpanSelector::at(&At::cluster("order-service")),
        },
    ]
}

fn told(recording: &Recording) -> String {
    judge(&recording.evidence(), &whole()).to_string()
}

fn cause(recording: &Recording) -> Option<Cause> {
    judge(&recording.evidence(), &whole()).primary_cause().cloned()
}

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

/// The request with only the spans of one service gone, as when its exporter is at fault.
fn silenced(service: &str) -> Recording {
    let mut recording = Recording::checkout();
    recording.accounts(recording.evidence().accounts);
    recording.drop_spans(|span| span.service().as_str() == service);
    recording
}

#[test]
fn a_whole_request_passes_and_says_what_was_shown() {
    insta::assert_snapshot!(told(&Recording::checkout()), @r#"
    pass
      shown     status 201
      shown     storefront@cluster → order-service@workstation → inventory-service@cluster
      shown     spans from cluster and workstation
      shown     one tree of 7 spans under trace 4bf90000000000018000000000000001
      shown     no other trace of request r-81
      shown     `create-order` of order-service@workstation: order.id = "ord-1" and service.version = "local-debug"
      shown     1 server span of inventory-service
      shown     no error on 7 spans
      shown     1 server span of order-service@workstation took 4.70 ms
      shown     no span of order-service@cluster
    "#);
}

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
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "GET /api/check"), 1);
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /api/orders"), 0);
    let stray = recording.other_trace_id(1);
    let inventory = recording.id_of(SpanKind::Server, "GET /api/check");
    recording.edit(inventory, |span| span.trace_id = stray);
    insta::assert_snapshot!(told(&recording), @r#"
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

#[test]
fn a_process_that_exports_to_nobody_is_named() {
    let mut recording = silenced("order-service");
    recording.edit_account("order-service", |account| {
        account.exporter = "none".to_owned();
        account.exported = 0;
    });
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster, and inventory-service@cluster below span 8000000100000005, which is missing
      cause     order-service@workstation started 4 spans and delivered none (its exporter: none)
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected one tree: a single root, every parent in the trace, found `GET /api/check` of inventory-service@cluster has a parent that is missing (8000000100000005)
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
    "#);
}

#[test]
fn a_refused_export_is_told_in_the_exporters_words() {
    let mut recording = silenced("inventory-service");
    recording.edit_account("inventory-service", |account| {
        account.exported = 0;
        account.failed = account.started;
        account.last_error = Some("connection refused (127.0.0.1:4317)".to_owned());
    });
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster → order-service@workstation
      cause     the export from inventory-service@cluster was refused: 1 span given up, connection refused (127.0.0.1:4317)
      also      expected 1 server span of inventory-service, found no span of inventory-service
    ");
}

#[test]
fn spans_that_were_acknowledged_and_are_not_there_were_lost_after_export() {
    insta::assert_snapshot!(told(&silenced("inventory-service")), @"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster → order-service@workstation
      cause     lost after export: inventory-service@cluster had 1 span acknowledged, and the store lacks those of this request
      also      expected 1 server span of inventory-service, found no span of inventory-service
    ");
}

#[test]
fn the_first_service_missing_leaves_orphans_and_its_account_tells_why() {
    insta::assert_snapshot!(told(&silenced("storefront")), @"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     order-service@workstation → inventory-service@cluster below span 8000000100000002, which is missing
      cause     lost after export: storefront@cluster had 2 spans acknowledged, and the store lacks those of this request
      also      expected one tree: a single root, every parent in the trace, found no root; `POST /api/orders` of order-service@workstation has a parent that is missing (8000000100000002)
    ");
}

#[test]
fn spans_that_are_still_held_have_not_arrived_yet() {
    let mut recording = silenced("inventory-service");
    recording.edit_account("inventory-service", |account| account.exported = 0);
    assert_eq!(
        cause(&recording),
        Some(Cause::NotYetArrived {
            process: At::cluster("inventory-service"),
            pending: 1
        })
    );
}

#[test]
fn a_process_that_never_starts_a_span_is_not_blamed_for_losing_it() {
    let mut recording = silenced("inventory-service");
    recording.edit_account("inventory-service", |account| {
        (account.started, account.exported) = (0, 0);
    });
    insta::assert_snapshot!(cause(&recording).map(|cause| cause.to_string()).unwrap_or_default(), @"inventory-service@cluster runs and never started a span (its exporter: http://127.0.0.1:4317)");
}

#[test]
fn a_process_that_answered_and_is_gone_is_silent() {
    let mut recording = silenced("inventory-service");
    let mut accounts = recording.evidence().accounts;
    accounts.retain(|account| account.service.as_str() != "inventory-service");
    recording.accounts(accounts);
    insta::assert_snapshot!(cause(&recording).map(|cause| cause.to_string()).unwrap_or_default(), @"inventory-service@cluster answered, left no span, and gives no account of its exports");
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
fn a_process_at_another_site_is_not_blamed_for_lost_spans() {
    let mut recording = silenced("order-service");
    let mut accounts = recording.evidence().accounts;
    accounts.push(crate::testing::account("order-service", Site::Cluster, 8));
    recording.accounts(accounts);
    let any_site = Expectation::Count {
        select: SpanSelector::service("order-service").kind(SpanKind::Server),
        count: 1,
    };
    let verdict = judge(&recording.evidence(), &[path(), any_site.clone()]);
    let lost = Cause::LostAfterExport {
        process: order(),
        exported: 4,
    };
    assert_eq!(verdict.findings().len(), 1, "{verdict}");
    assert_eq!(verdict.primary_cause(), Some(&lost));
    // Without a path nobody says which of the two it was.
    assert_eq!(judge(&recording.evidence(), &[any_site]).primary_cause(), None);
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
