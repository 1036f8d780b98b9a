//! Random evidence without any sense, from few ids, so that everything collides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::evidence::{Answer, Evidence, ExportAccount};
use crate::expect::{At, Expectation, Matcher, SpanSelector};
use crate::id::{RequestId, SpanId, TraceId};
use crate::names;
use crate::site::Site;
use crate::span::{Attributes, Resource, ServiceName, Span, SpanEvent, SpanKind, Status, UnixNanos, Value};
use crate::tree::Trace;

fn site() -> impl Strategy<Value = Site> {
    prop::sample::select(vec![Site::Cluster, Site::Workstation])
}

fn service() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("c".to_owned()),
        ".{0,5}"
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("work".to_owned()),
        Just(String::new()),
        Just("end;\n%%#x \u{202e}".to_owned()),
        ".{0,90}"
    ]
}

fn span_id() -> impl Strategy<Value = SpanId> {
    (1u8..9).prop_map(|byte| SpanId::from_bytes([byte; 8]).expect("not zero"))
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    (1u8..4).prop_map(|byte| TraceId::from_bytes([byte; 16]).expect("not zero"))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        prop_oneof![any::<f64>(), Just(f64::NAN)].prop_map(Value::Double),
        ".{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(Value::Map),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let known = prop::sample::select(vec![
        names::HTTP_STATUS,
        names::ERROR_TYPE,
        names::SERVER_ADDRESS,
        names::SERVER_PORT,
        names::SERVICE_VERSION,
        names::REQUEST_ID,
        names::SITE,
        "n",
    ]);
    prop::collection::btree_map(known.prop_map(str::to_owned), value(), 0..3)
}

fn kind() -> impl Strategy<Value = SpanKind> {
    prop::sample::select(vec![
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ])
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![3 => Just(Status::Unset), 1 => Just(Status::Ok), 1 => ".{0,200}".prop_map(Status::Error)]
}

fn resource() -> impl Strategy<Value = Arc<Resource>> {
    (service(), prop::option::of(site()), attributes()).prop_map(|(service, site, attributes)| {
        Arc::new(Resource {
            service: ServiceName(service),
            site,
            attributes,
        })
    })
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..50, 1 => any::<u64>()]
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), span_id(), prop::option::of(span_id()));
    let rest = (resource(), name(), kind(), time(), time(), status(), attributes());
    let events = prop::collection::vec((time(), name(), attributes()), 0..2);
    (ids, rest, events).prop_map(|((trace_id, span_id, parent), rest, events)| {
        let (resource, name, kind, start, length, status, attributes) = rest;
        let event = |(time, name, attributes)| SpanEvent {
            time: UnixNanos(time),
            name,
            attributes,
        };
        Span {
            trace_id,
            span_id,
            parent,
            resource,
            name,
            kind,
            start: UnixNanos(start),
            end: UnixNanos(start.saturating_add(length)),
            status,
            attributes,
            events: events.into_iter().map(event).collect(),
        }
    })
}

fn account() -> impl Strategy<Value = ExportAccount> {
    let exporter = prop::sample::select(vec!["none", "", "http://127.0.0.1:4317"]);
    let propagators = prop::collection::vec(
        prop::sample::select(vec!["tracecontext", "baggage", "b3", "none", "?"]),
        0..3,
    );
    let sampler = prop::sample::select(vec!["", "always_off", "parentbased_always_on"]);
    let count = || prop_oneof![3 => 0u64..3, 1 => any::<u64>()];
    (
        service(),
        site(),
        exporter,
        (propagators, sampler, count()),
        count(),
        count(),
        count(),
        prop::option::of(".{0,9}"),
    )
        .prop_map(
            |(service, site, exporter, setup, started, exported, failed, last_error)| ExportAccount {
                service: ServiceName(service),
                site,
                version: "1".to_owned(),
                pid: 1,
                exporter: exporter.to_owned(),
                propagators: setup.0.into_iter().map(str::to_owned).collect(),
                sampler: setup.1.to_owned(),
                sampled_out: setup.2,
                started,
                exported,
                failed,
                last_error,
            },
        )
}

pub(super) fn evidence() -> impl Strategy<Value = Evidence> {
    let answer = prop_oneof![
        (any::<u16>(), ".{0,200}").prop_map(|(status, body)| Answer::Response { status, body }),
        ".{0,9}".prop_map(Answer::Failed),
    ];
    let spans = prop::collection::vec(span(), 0..16);
    (span_id(), answer, spans, prop::collection::vec(account(), 0..4)).prop_map(
        |(caller_span, answer, mut spans, accounts)| {
            // Some spans are sent again.
            spans.extend(spans.iter().take(spans.len() / 4).cloned().collect::<Vec<_>>());
            let mut traces: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
            spans
                .into_iter()
                .for_each(|span| traces.entry(span.trace_id).or_default().push(span));
            let mut traces = traces.into_iter().map(|(id, spans)| Trace::new(id, spans));
            Evidence {
                trace_id: TraceId::from_bytes([1; 16]).expect("not zero"),
                caller_span,
                request_id: "r-1".parse::<RequestId>().expect("visible ASCII"),
                answer,
                trace: traces.next(),
                strays: traces.collect(),
                accounts,
            }
        },
    )
}

fn at() -> impl Strategy<Value = At> {
    (service(), prop::option::of(site())).prop_map(|(service, site)| At {
        service: ServiceName(service),
        site,
    })
}

fn selector() -> impl Strategy<Value = SpanSelector> {
    let version = prop::option::weighted(0.2, ".{0,3}");
    (
        prop::option::of(at()),
        version,
        prop::option::weighted(0.2, name()),
        prop::option::of(kind()),
    )
        .prop_map(|(at, version, name, kind)| SpanSelector {
            service: at.as_ref().map(|at| at.service.clone()),
            site: at.and_then(|at| at.site),
            version,
            name,
            kind,
        })
}

fn expectation() -> impl Strategy<Value = Expectation> {
    let matcher = prop_oneof![
        Just(Matcher::Present),
        Just(Matcher::Absent),
        value().prop_map(Matcher::Equals),
        ".{0,3}".prop_map(Matcher::Text),
        ".{0,3}".prop_map(Matcher::StartsWith),
    ];
    let wanted = prop::collection::vec((prop_oneof![Just("n".to_owned()), ".{0,4}"], matcher), 0..3);
    let limit = || prop::option::of((0u64..100).prop_map(Duration::from_nanos));
    prop_oneof![
        any::<u16>().prop_map(Expectation::Status),
        prop::collection::vec(at(), 0..5).prop_map(Expectation::Path),
        prop::collection::btree_set(site(), 0..3).prop_map(Expectation::Sites),
        Just(Expectation::Connected),
        Just(Expectation::NoStray),
        Just(Expectation::NoError),
        (selector(), wanted).prop_map(|(select, attributes)| Expectation::Attributes { select, attributes }),
        (selector(), 0usize..4).prop_map(|(select, count)| Expectation::Count { select, count }),
        selector().prop_map(|select| Expectation::Error { select }),
        selector().prop_map(|select| Expectation::Absent { select }),
        (selector(), limit(), limit()).prop_map(|(select, min, max)| Expectation::Duration {
            select,
            min,
            max
        }),
    ]
}

pub(super) fn expected() -> impl Strategy<Value = Vec<Expectation>> {
    prop::collection::vec(expectation(), 0..6)
}
