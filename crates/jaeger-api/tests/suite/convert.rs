//! One span, whichever way it came.

use std::collections::BTreeMap;
use std::sync::Arc;

use jaeger_api::convert::{from_legacy, from_v3, to_legacy, to_v3};
use jaeger_api::wire::json::{Spelling, to_vec};
use jaeger_api::wire::{legacy, v3};
use proptest::prelude::*;
use rstest::rstest;
use trace::span::{Attributes, SpanEvent};
use trace::{Resource, ServiceName, Site, Span, SpanId, SpanKind, Status, Trace, TraceId, UnixNanos, Value};

use crate::recorded;

fn legacy(text: &str) -> legacy::Trace {
    serde_json::from_str::<legacy::Envelope<_>>(text)
        .unwrap()
        .data
        .unwrap()
        .remove(0)
}

fn v3(text: &str) -> v3::TracesData {
    v3::read_traces(text.as_bytes()).unwrap().unwrap()
}

#[rstest]
#[case::order(recorded::TRACE_V3, recorded::TRACE_LEGACY)]
#[case::short_id(recorded::SHORT_V3, recorded::SHORT_LEGACY)]
#[case::links(recorded::LINKS_V3, recorded::LINKS_LEGACY)]
fn the_legacy_form_is_made_exactly_as_jaeger_makes_it(#[case] v3_text: &str, #[case] legacy_text: &str) {
    let made = to_vec(&legacy::Envelope::of(to_legacy(&v3(v3_text))), Spelling::Legacy).unwrap();
    assert_eq!(String::from_utf8(made).unwrap(), legacy_text);
}

#[rstest]
#[case::order(recorded::TRACE_V3, recorded::TRACE_LEGACY)]
#[case::short_id(recorded::SHORT_V3, recorded::SHORT_LEGACY)]
fn both_forms_are_the_same_trace_to_the_microsecond(#[case] v3_text: &str, #[case] legacy_text: &str) {
    let exact = from_v3(v3(v3_text)).unwrap().remove(0);
    assert_eq!(from_legacy(legacy(legacy_text)).unwrap(), as_legacy_shows(&exact));
}

#[test]
fn what_was_sent_is_what_is_read() {
    let sent = from_v3(v3(recorded::SENT)).unwrap();
    let ids: Vec<_> = sent.iter().map(Trace::id).collect();
    assert_eq!(
        ids,
        [
            recorded::order(),
            recorded::short(),
            recorded::links(),
            recorded::half()
        ]
    );
    assert_eq!(sent[0], from_v3(v3(recorded::TRACE_V3)).unwrap().remove(0));
}

#[test]
fn a_span_has_its_fields_back() {
    let order = from_legacy(legacy(recorded::TRACE_LEGACY)).unwrap();
    let span = order
        .spans()
        .iter()
        .find(|span| span.name == "create-order")
        .unwrap();
    assert_eq!(span.service().as_str(), "order-service");
    assert_eq!(span.site(), Some(Site::Workstation));
    assert_eq!(span.resource.version().as_deref(), Some("local-debug"));
    assert_eq!((span.kind, &span.status), (SpanKind::Internal, &Status::Ok));
    assert_eq!(span.parent, Some("00f067aa0ba90203".parse().unwrap()));
    assert_eq!(span.attributes["order.total"], Value::Double(12.5));
    assert_eq!(span.attributes["inventory.available"], Value::Bool(true));
    assert_eq!(span.attributes["big"], Value::Int(9_007_199_254_740_993));
    assert_eq!(span.request_id(), Some("r-81".parse().unwrap()));
    let derived = [
        "otel.scope.name",
        "span.kind",
        "otel.status_code",
        "error",
        "w3c.tracestate",
    ];
    assert!(
        derived.iter().all(|name| !span.attributes.contains_key(*name)),
        "{:?}",
        span.attributes
    );
    assert_eq!(span.events[0].name, "reserved");
    assert_eq!(
        span.events[0].attributes,
        Attributes::from([("sku".to_owned(), "widget".into())])
    );

    let failed = from_legacy(legacy(recorded::SHORT_LEGACY)).unwrap();
    assert_eq!(failed.id(), recorded::short());
    assert_eq!(
        failed.spans()[0].status,
        Status::Error("order-service answered 502".to_owned())
    );
    assert_eq!(failed.spans()[0].parent, None);
}

#[test]
fn a_tag_that_only_looks_like_a_field_stays_an_attribute() {
    let mut trace = legacy(recorded::HALF_LEGACY);
    let tags = &mut trace.spans[0].tags;
    tags.insert(0, legacy::Tag::new("span.kind", "own"));
    tags.push(legacy::Tag::new("error", "custom"));
    tags.push(legacy::Tag::new("otel.status_code", "HALF"));
    let read = from_legacy(trace).unwrap();
    let span = &read.spans()[0];
    assert_eq!((span.kind, &span.status), (SpanKind::Server, &Status::Unset));
    let own = |name: &str| span.attributes.get(name).map(ToString::to_string);
    assert_eq!(own("span.kind").as_deref(), Some("own"));
    assert_eq!(own("error").as_deref(), Some("custom"));
    assert_eq!(own("otel.status_code").as_deref(), Some("HALF"));
}

#[test]
fn jaegers_warnings_are_no_attribute_of_the_application() {
    let mut data = v3(recorded::SHORT_V3);
    let warnings = v3::AnyValue::Array(vec!["Invalid span link removed".into()]);
    data.resource_spans[0].scope_spans[0].spans[0]
        .attributes
        .push(v3::KeyValue::new("@jaeger@warnings", warnings));
    let span = &to_legacy(&data)[0].spans[0];
    assert_eq!(span.warnings, ["Invalid span link removed"]);
    assert!(span.tags.iter().all(|tag| tag.key != "@jaeger@warnings"));
    assert_eq!(from_v3(data).unwrap(), from_v3(v3(recorded::SHORT_V3)).unwrap());
}

#[test]
fn a_span_without_an_id_is_refused_by_name() {
    let mut data = v3(recorded::TRACE_V3);
    data.resource_spans[1].scope_spans[0].spans[1].span_id = jaeger_api::wire::id::SpanId::NONE;
    let error = from_v3(data).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"span 3 ("create-order" of "order-service") can't be used"#
    );

    let mut trace = legacy(recorded::TRACE_LEGACY);
    trace.spans[3].span_id = jaeger_api::wire::id::SpanId::NONE;
    assert_eq!(from_legacy(trace).unwrap_err(), error);
}

#[test]
fn a_span_without_its_process_is_of_no_service() {
    let mut trace = legacy(recorded::HALF_LEGACY);
    trace.processes.clear();
    assert_eq!(from_legacy(trace).unwrap().spans()[0].service().as_str(), "");
}

#[test]
fn processes_that_are_alike_are_one_and_others_are_not() {
    let data = v3(recorded::SENT);
    let twice = v3::TracesData {
        resource_spans: [&data.resource_spans[..1], &data.resource_spans[..2]].concat(),
    };
    let trace = to_legacy(&twice).remove(0);
    let services: Vec<_> = trace
        .processes
        .values()
        .map(|process| process.service_name.as_str())
        .collect();
    assert_eq!(services, ["storefront", "order-service"]);
    assert_eq!(
        trace
            .spans
            .iter()
            .map(|span| span.process_id.as_str())
            .collect::<Vec<_>>(),
        ["p1", "p1", "p1", "p1", "p2", "p2", "p2"]
    );
}

/// What the legacy form can hold: microseconds, lists and maps as text, no unspecific status text.
fn as_legacy_shows(trace: &Trace) -> Trace {
    let attributes = |attributes: &Attributes| -> Attributes {
        attributes
            .iter()
            .map(|(name, value)| {
                let shown = match value {
                    Value::Array(_) | Value::Map(_) => Value::String(v3_text(value)),
                    other => other.clone(),
                };
                (name.clone(), shown)
            })
            .collect()
    };
    let spans = trace.spans().iter().map(|span| {
        let start = span.start.0 / 1_000 * 1_000;
        Span {
            start: UnixNanos(start),
            end: UnixNanos(start + (span.end.0 - span.start.0) / 1_000 * 1_000),
            attributes: attributes(&span.attributes),
            events: span
                .events
                .iter()
                .map(|event| SpanEvent {
                    time: UnixNanos(event.time.0 / 1_000 * 1_000),
                    name: event.name.clone(),
                    attributes: attributes(&event.attributes),
                })
                .collect(),
            resource: Arc::new(Resource::new(
                span.resource.service.clone(),
                attributes(&span.resource.attributes),
            )),
            ..span.clone()
        }
    });
    Trace::new(trace.id(), spans.collect())
}

/// A list or map as Jaeger writes it into a tag.
fn v3_text(value: &Value) -> String {
    fn convert(value: &Value) -> v3::AnyValue {
        match value {
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Double(value) => (*value).into(),
            Value::String(value) => value.as_str().into(),
            Value::Array(values) => v3::AnyValue::Array(values.iter().map(convert).collect()),
            Value::Map(map) => v3::AnyValue::Map(
                map.iter()
                    .map(|(key, value)| v3::KeyValue {
                        key: key.clone(),
                        value: convert(value),
                    })
                    .collect(),
            ),
        }
    }
    convert(value).to_string()
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        prop_oneof![proptest::num::f64::NORMAL, proptest::num::f64::ZERO].prop_map(Value::Double),
        ".{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(Value::Map),
        ]
    })
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    proptest::collection::btree_map("[a-z]{1,6}\\.[a-z]{1,6}", any_value(), 0..4)
}

prop_compose! {
    fn any_span(id: TraceId)(
        span_id in any::<[u8; 8]>().prop_filter_map("an id", |bytes| SpanId::from_bytes(bytes).ok()),
        parent in proptest::option::of(any::<[u8; 8]>().prop_filter_map("an id", |bytes| SpanId::from_bytes(bytes).ok())),
        service in "[a-z]{1,4}",
        resource in any_attributes(),
        name in ".{0,8}",
        kind in proptest::sample::select(vec![SpanKind::Unspecified, SpanKind::Internal, SpanKind::Server, SpanKind::Client, SpanKind::Producer, SpanKind::Consumer]),
        start in 0..u64::MAX / 4,
        duration in 0..u64::MAX / 4,
        status in prop_oneof![Just(Status::Unset), Just(Status::Ok), ".{0,8}".prop_map(Status::Error)],
        attributes in any_attributes(),
        events in proptest::collection::vec((any::<u64>(), ".{0,8}", any_attributes()), 0..3),
    ) -> Span {
        Span {
            trace_id: id,
            span_id,
            parent,
            resource: Arc::new(Resource::new(ServiceName::new(service), resource)),
            name,
            kind,
            start: UnixNanos(start),
            end: UnixNanos(start + duration),
            status,
            attributes,
            events: events
                .into_iter()
                .map(|(time, name, attributes)| SpanEvent { time: UnixNanos(time), name, attributes })
                .collect(),
        }
    }
}

fn any_trace() -> impl Strategy<Value = Trace> {
    any::<[u8; 16]>()
        .prop_filter_map("an id", |bytes| TraceId::from_bytes(bytes).ok())
        .prop_flat_map(|id| {
            proptest::collection::vec(any_span(id), 1..5).prop_map(move |spans| Trace::new(id, spans))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_trace_goes_through_v3_unchanged(trace in any_trace()) {
        let text = to_vec(&to_v3([&trace]), Spelling::V3).unwrap();
        let read = from_v3(v3::read_traces(&text).unwrap().unwrap()).unwrap();
        prop_assert_eq!(read, vec![trace]);
    }

    #[test]
    fn a_trace_goes_through_the_legacy_form_to_the_microsecond(trace in any_trace()) {
        let written = legacy::Envelope::of(to_legacy(&to_v3([&trace])));
        let text = to_vec(&written, Spelling::Legacy).unwrap();
        let read = serde_json::from_slice::<legacy::Envelope<legacy::Trace>>(&text).unwrap().data.unwrap().remove(0);
        prop_assert_eq!(by_span(&from_legacy(read).unwrap()), by_span(&as_legacy_shows(&trace)));
    }
}

/// Spans by id, because the cut to microseconds can change which of two spans is first.
fn by_span(trace: &Trace) -> BTreeMap<SpanId, Vec<Span>> {
    let mut spans: BTreeMap<SpanId, Vec<Span>> = BTreeMap::new();
    for span in trace.spans() {
        spans.entry(span.span_id).or_default().push(span.clone());
    }
    spans
}
