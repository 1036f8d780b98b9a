//! From the trace model to OTLP JSON: a file that Jaeger's UI can open, and the model side of round trips.

use std::sync::Arc;

use trace::names::SERVICE_NAME;
use trace::span::Attributes;
use trace::{Resource, Span, SpanKind, Status, Trace, Value};

use crate::wire::id::{SpanId, TraceId};
use crate::wire::v3::{self, AnyValue, KeyValue, ResourceSpans, ScopeSpans, TracesData, kind, status_code};

/// Traces as OTLP JSON, neighbouring spans of one resource in one group.
#[must_use]
pub fn to_v3<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> TracesData {
    let mut groups: Vec<(&Arc<Resource>, Vec<v3::Span>)> = Vec::new();
    for span in traces.into_iter().flat_map(Trace::spans) {
        match groups.last_mut() {
            Some((resource, spans)) if Arc::ptr_eq(resource, &span.resource) => spans.push(write_span(span)),
            _ => groups.push((&span.resource, vec![write_span(span)])),
        }
    }
    let group = |(resource, spans): (&Arc<Resource>, _)| ResourceSpans {
        resource: write_resource(resource),
        scope_spans: vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }],
        schema_url: String::new(),
    };
    TracesData {
        resource_spans: groups.into_iter().map(group).collect(),
    }
}

fn write_resource(resource: &Resource) -> v3::Resource {
    let mut attributes = vec![KeyValue::new(SERVICE_NAME, resource.service.as_str())];
    attributes.extend(write_attributes(&resource.attributes));
    v3::Resource {
        attributes,
        dropped_attributes_count: 0,
    }
}

fn write_span(span: &Span) -> v3::Span {
    v3::Span {
        trace_id: TraceId::from(span.trace_id),
        span_id: SpanId::from(span.span_id),
        parent_span_id: span.parent.map(SpanId::from).unwrap_or_default(),
        name: span.name.clone(),
        kind: match span.kind {
            SpanKind::Unspecified => kind::UNSPECIFIED,
            SpanKind::Internal => kind::INTERNAL,
            SpanKind::Server => kind::SERVER,
            SpanKind::Client => kind::CLIENT,
            SpanKind::Producer => kind::PRODUCER,
            SpanKind::Consumer => kind::CONSUMER,
        },
        start_time_unix_nano: span.start.0,
        end_time_unix_nano: span.end.0,
        attributes: write_attributes(&span.attributes).collect(),
        events: span
            .events
            .iter()
            .map(|event| v3::Event {
                time_unix_nano: event.time.0,
                name: event.name.clone(),
                attributes: write_attributes(&event.attributes).collect(),
                dropped_attributes_count: 0,
            })
            .collect(),
        status: match &span.status {
            Status::Unset => v3::Status::default(),
            Status::Ok => v3::Status {
                code: status_code::OK,
                message: String::new(),
            },
            Status::Error(message) => v3::Status {
                code: status_code::ERROR,
                message: message.clone(),
            },
        },
        ..v3::Span::default()
    }
}

fn write_attributes(attributes: &Attributes) -> impl Iterator<Item = KeyValue> {
    attributes.iter().map(|(key, value)| KeyValue {
        key: key.clone(),
        value: write_value(value),
    })
}

fn write_value(value: &Value) -> AnyValue {
    match value {
        Value::Bool(value) => AnyValue::Bool(*value),
        Value::Int(value) => AnyValue::Int(*value),
        Value::Double(value) => AnyValue::Double(*value),
        Value::String(value) => AnyValue::String(value.clone()),
        Value::Array(values) => AnyValue::Array(values.iter().map(write_value).collect()),
        Value::Map(map) => AnyValue::Map(write_attributes(map).collect()),
    }
}
