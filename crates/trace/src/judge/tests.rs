//! What the judge says of the walkthrough's request when one thing is broken on purpose.

mod contexts;
mod expectations;
mod exports;
mod headers;
mod places;
mod repeats;

use std::collections::BTreeSet;
use std::time::Duration;

use super::judge;
use crate::expect::{At, Expectation, Matcher, SpanSelector};
use crate::names;
use crate::site::Site;
use crate::span::SpanKind;
use crate::testing::Recording;
use crate::verdict::Cause;

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

/// The request with an order-service that starts a trace of its own, and so does whoever it calls.
fn estranged() -> Recording {
    let mut recording = Recording::checkout();
    let inventory = recording.id_of(SpanKind::Server, "GET /api/check");
    recording.lose_header(inventory, 1);
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /api/orders"), 0);
    let stray = recording.other_trace_id(1);
    recording.edit(inventory, |span| span.trace_id = stray);
    recording
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
