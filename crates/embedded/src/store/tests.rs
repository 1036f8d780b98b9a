//! The store as a whole: lossless, bounded, in order, whatever comes in.

mod eviction;
mod readers;
mod search;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use proptest::prelude::*;

use super::arbitrary;
use super::*;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(value: &str) -> Value {
    Value::StringValue(value.to_owned())
}

fn resource(service: &str) -> Resource {
    Resource {
        attributes: vec![attribute("service.name", text(service))],
        ..Resource::default()
    }
}

fn span(trace: u8, span: u8, name: &str) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![span; 8],
        name: name.to_owned(),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        ..Span::default()
    }
}

fn of_service(service: &str, spans: Vec<Span>) -> Vec<ResourceSpans> {
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    vec![ResourceSpans {
        resource: Some(resource(service)),
        scope_spans,
        ..ResourceSpans::default()
    }]
}

fn spans(trace: &[ResourceSpans]) -> Vec<Span> {
    trace
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| scope.spans.clone())
        .collect()
}

/// Each span with its own copy of its resource and scope: what must not change on the way through the store.
fn flat(batch: &[ResourceSpans]) -> Vec<(ResourceSpans, ScopeSpans, Span)> {
    let mut flat = Vec::new();
    for resource in batch {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                let resource = ResourceSpans {
                    scope_spans: Vec::new(),
                    ..resource.clone()
                };
                let scope = ScopeSpans {
                    spans: Vec::new(),
                    ..scope.clone()
                };
                flat.push((resource, scope, span.clone()));
            }
        }
    }
    flat
}

/// What Jaeger makes of a resource when it stores it, written down a second time and in another way.
fn mended(batch: &[ResourceSpans]) -> Vec<ResourceSpans> {
    let mut batch = batch.to_vec();
    for resource_spans in &mut batch {
        let resource = resource_spans.resource.get_or_insert_default();
        let name = resource
            .attributes
            .iter_mut()
            .find(|attribute| attribute.key == "service.name");
        let Some(name) = name else {
            resource
                .attributes
                .push(attribute("service.name", text("missing-service-name")));
            continue;
        };
        match name.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) if !text.is_empty() => {}
            Some(Value::StringValue(_)) => *name = attribute("service.name", text("empty-service-name")),
            _ => *name = attribute("service.name", text("service-name-wrong-type")),
        }
    }
    batch
}

proptest! {
    #[test]
    fn gives_back_every_field_of_every_span_in_order(batch in arbitrary::resource_spans()) {
        let store = SpanStore::default();
        let inserted = store.insert(batch.clone()).unwrap();
        let expected = flat(&mended(&batch));
        prop_assert_eq!(inserted, Inserted { accepted: expected.len() as u64, rejected: Rejected::default() });
        for id in 1..6 {
            let expected: Vec<_> = expected.iter().filter(|(_, _, span)| span.trace_id[0] == id).cloned().collect();
            let found = store.trace([id; 16]).map(|trace| flat(&trace));
            prop_assert_eq!(found, (!expected.is_empty()).then_some(expected));
        }
    }

    #[test]
    fn accepts_exactly_what_prost_decodes(
        bytes in arbitrary::resource_spans()
            .prop_flat_map(|resource_spans| arbitrary::damaged(TracesData { resource_spans }.encode_to_vec()))
    ) {
        let store = SpanStore::default();
        match (store.insert_encoded(&bytes), TracesData::decode(bytes.as_slice())) {
            (Ok(inserted), Ok(decoded)) => {
                prop_assert_eq!(inserted.rejected.utf8, 0);
                let total = flat(&decoded.resource_spans).len() as u64;
                prop_assert_eq!(inserted.accepted + inserted.rejected.total(), total);
            }
            // Text that is not UTF-8 is no damage here: it costs no span but its own.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("UTF-8"), "{}", error),
            (Err(_), decoded) => prop_assert!(decoded.is_err()),
        }
        for id in store.search(&Query { limit: usize::MAX, ..Query::default() }) {
            prop_assert!(!spans(&store.trace(id).unwrap()).is_empty());
        }
    }

    #[test]
    fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let store = SpanStore::default();
        if let Ok(inserted) = store.insert_encoded(&bytes) {
            prop_assert_eq!(store.stats().accepted_spans, inserted.accepted);
        }
    }
}

/// A record of a span that was open when it was sent.
fn open(spans: Vec<Span>) -> Vec<ResourceSpans> {
    let mut batch = of_service("order", spans);
    batch[0].scope_spans[0].scope = Some(InstrumentationScope {
        name: trace::names::PENDING_SCOPE.to_owned(),
        ..InstrumentationScope::default()
    });
    batch
}

#[test]
fn a_finished_span_takes_the_place_of_its_record() {
    let store = SpanStore::default();
    store
        .insert(open(vec![span(1, 1, "a"), span(1, 2, "b")]))
        .unwrap();
    let held = store.trace([1; 16]).unwrap();
    assert_eq!(spans(&held).len(), 2);
    store.insert(of_service("order", vec![span(1, 2, "b")])).unwrap();
    let later = store.trace([1; 16]).unwrap();
    let names: Vec<String> = spans(&later).into_iter().map(|span| span.name).collect();
    // `a` is still open.
    assert_eq!(names, ["a", "b"]);
    store.insert(of_service("order", vec![span(1, 1, "a")])).unwrap();
    let exact = store.trace([1; 16]).unwrap();
    assert_eq!(spans(&exact), [span(1, 2, "b"), span(1, 1, "a")]);
    assert_eq!(exact, of_service("order", vec![span(1, 2, "b"), span(1, 1, "a")]));
}

#[test]
fn a_record_that_comes_after_its_span_is_left_out_as_well() {
    let store = SpanStore::default();
    store.insert(of_service("order", vec![span(1, 1, "a")])).unwrap();
    store.insert(open(vec![span(1, 1, "a")])).unwrap();
    assert_eq!(spans(&store.trace([1; 16]).unwrap()), [span(1, 1, "a")]);
}
