//! Arbitrary OTLP for property tests: every field of every message, valid ids, sometimes strange values.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Few letters, so that keys and names meet; some that JSON escapes or UTF-8 needs several bytes for.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab]{0,2}", 1 => "[a-z\"\\\\<\u{0}\u{1f}é漢🦀]{0,12}", 1 => Just("service.name".to_owned())]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        text().prop_map(Value::StringValue),
        any::<bool>().prop_map(Value::BoolValue),
        any::<i64>().prop_map(Value::IntValue),
        // Comparison of messages and JSON both need numbers that equal themselves.
        any::<f64>()
            .prop_filter("NaN", |value| !value.is_nan())
            .prop_map(Value::DoubleValue),
        vec(any::<u8>(), 0..6).prop_map(Value::BytesValue),
    ];
    let any = |value: Option<Value>| AnyValue { value };
    option::weighted(0.9, leaf)
        .prop_map(any)
        .prop_recursive(3, 12, 3, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..3).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
                vec(key_value_of(inner), 0..3).prop_map(|values| Value::KvlistValue(KeyValueList { values })),
            ]
            .prop_map(move |value| any(Some(value)))
        })
}

fn key_value_of(value: impl Strategy<Value = AnyValue>) -> impl Strategy<Value = KeyValue> {
    (text(), option::weighted(0.9, value)).prop_map(|(key, value)| KeyValue {
        key,
        value,
        key_strindex: 0,
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(key_value_of(any_value()), 0..4)
}

/// One of few ids, so that spans meet in traces.
pub(crate) fn trace_id() -> impl Strategy<Value = [u8; 16]> {
    (1u8..6).prop_map(|id| [id; 16])
}

fn span_id() -> impl Strategy<Value = [u8; 8]> {
    (1u8..9).prop_map(|id| [0, 0, 0, 0, 0, 0, 0, id])
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    let ids = (option::of(trace_id()), option::of(span_id()));
    (ids, text(), attributes(), any::<u32>(), any::<u32>()).prop_map(
        |((trace, span), trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id: trace.map(Vec::from).unwrap_or_default(),
            span_id: span.map(Vec::from).unwrap_or_default(),
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

/// A span that nothing is wrong with: named, and longer than nothing.
pub(crate) fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), span_id(), option::of(span_id()));
    let times = (any::<u64>(), any::<u64>())
        .prop_map(|(a, b)| (a.min(b), a.max(b).max(1).saturating_add(u64::from(a == b))));
    let times = times.prop_filter("no duration at the end of time", |(start, end)| start < end);
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..2));
    let counts = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    let status = option::of((text(), -1..4i32).prop_map(|(message, code)| Status { message, code }));
    (ids, text(), "[ab]{1,2}", -1..8i32, times, lists, counts, status).prop_map(
        |(ids, trace_state, name, kind, times, lists, counts, status)| Span {
            trace_id: ids.0.to_vec(),
            span_id: ids.1.to_vec(),
            parent_span_id: ids.2.map(Vec::from).unwrap_or_default(),
            trace_state,
            name,
            kind,
            start_time_unix_nano: times.0,
            end_time_unix_nano: times.1,
            attributes: lists.0,
            events: lists.1,
            links: lists.2,
            dropped_attributes_count: counts.0,
            dropped_events_count: counts.1,
            dropped_links_count: counts.2,
            flags: counts.3,
            status,
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    let names = (text(), text(), vec(text(), 0..2), vec(text(), 0..2));
    let entity = names.prop_map(|(schema_url, r#type, id_keys, description_keys)| EntityRef {
        schema_url,
        r#type,
        id_keys,
        description_keys,
    });
    (attributes(), any::<u32>(), vec(entity, 0..2)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        },
    )
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    let scope = (text(), text(), attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    (option::of(scope), vec(span(), 0..4), text()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
        scope,
        spans,
        schema_url,
    })
}

/// Resources of all kinds, most of them without a usable `service.name`.
pub(crate) fn resource_spans() -> impl Strategy<Value = Vec<ResourceSpans>> {
    let one = (option::of(resource()), vec(scope_spans(), 0..3), text()).prop_map(
        |(resource, scope_spans, schema_url)| ResourceSpans {
            resource,
            scope_spans,
            schema_url,
        },
    );
    vec(one, 0..3)
}

/// Bytes that often look like a request: an encoded one with some bytes changed, cut or repeated.
pub(crate) fn damaged(encoded: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let len = encoded.len();
    let change = (0..=len, 0..=len, any::<u8>(), 0..4u8);
    vec(change, 0..4).prop_map(move |changes| {
        let mut bytes = encoded.clone();
        for (from, to, byte, way) in changes {
            let (from, to) = (from.min(to).min(bytes.len()), from.max(to).min(bytes.len()));
            match way {
                0 => bytes.truncate(to),
                1 => drop(bytes.splice(from..to.min(from + 4), [byte])),
                2 => bytes.insert(from, byte),
                _ => {
                    let repeated = bytes[from..to].to_vec();
                    bytes.splice(to..to, repeated);
                }
            }
        }
        bytes
    })
}
