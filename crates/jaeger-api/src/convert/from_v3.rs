//! From OTLP JSON to the trace model.

use std::sync::Arc;

use trace::names::SERVICE_NAME;
use trace::span::{Attributes, SpanEvent};
use trace::{Resource, ServiceName, Span, Status, Trace, UnixNanos, Value};

use super::{UnusableSpan, WARNINGS, kind_from_number, service_name};
use crate::wire::json::float_text;
use crate::wire::v3::{self, AnyValue, KeyValue, TracesData, status_code};

/// The traces of an answer, in the order in which their first spans appear.
///
/// Scope, links, trace state, flags and dropped counts have no place in the model and are left behind, and so are the
/// warnings that Jaeger adds as an attribute.
///
/// # Errors
/// A span without a valid trace id or span id.
pub fn from_v3(data: TracesData) -> Result<Vec<Trace>, UnusableSpan> {
    let mut traces: Vec<(trace::TraceId, Vec<Span>)> = Vec::new();
    let mut position = 0;
    for group in data.resource_spans {
        let resource = Arc::new(resource(group.resource));
        for span in group.scope_spans.into_iter().flat_map(|part| part.spans) {
            let span = read_span(span, &resource, position)?;
            position += 1;
            // Answers are grouped by trace, so the last one is nearly always the right one.
            match traces.iter_mut().rev().find(|(id, _)| *id == span.trace_id) {
                Some((_, spans)) => spans.push(span),
                None => traces.push((span.trace_id, vec![span])),
            }
        }
    }
    Ok(traces
        .into_iter()
        .map(|(id, spans)| Trace::new(id, spans))
        .collect())
}

fn read_span(span: v3::Span, resource: &Arc<Resource>, position: usize) -> Result<Span, UnusableSpan> {
    let unusable = |source| UnusableSpan {
        position,
        service: resource.service.to_string(),
        name: span.name.clone(),
        source,
    };
    let trace_id = valid(span.trace_id).map_err(unusable)?;
    let span_id = valid(span.span_id).map_err(unusable)?;
    Ok(Span {
        trace_id,
        span_id,
        parent: trace::SpanId::try_from(span.parent_span_id).ok(),
        resource: Arc::clone(resource),
        kind: kind_from_number(span.kind),
        start: UnixNanos(span.start_time_unix_nano),
        end: UnixNanos(span.end_time_unix_nano.max(span.start_time_unix_nano)),
        status: match span.status.code {
            status_code::OK => Status::Ok,
            status_code::ERROR => Status::Error(span.status.message),
            _ => Status::Unset,
        },
        attributes: attributes(span.attributes),
        events: span
            .events
            .into_iter()
            .map(|event| SpanEvent {
                time: UnixNanos(event.time_unix_nano),
                name: event.name,
                attributes: attributes(event.attributes),
            })
            .collect(),
        name: span.name,
    })
}

/// A conversion with its error type fixed, so that one closure serves both widths.
fn valid<W, I: TryFrom<W, Error = trace::InvalidId>>(id: W) -> Result<I, trace::InvalidId> {
    I::try_from(id)
}

fn resource(resource: v3::Resource) -> Resource {
    let service = ServiceName::new(service_name(&resource));
    let mut attributes = attributes(resource.attributes);
    attributes.remove(SERVICE_NAME);
    Resource::new(service, attributes)
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs
        .into_iter()
        .filter(|pair| pair.key != WARNINGS)
        .map(|pair| (pair.key, value(pair.value)))
        .collect()
}

fn value(value: AnyValue) -> Value {
    match value {
        AnyValue::String(text) => Value::String(text),
        AnyValue::Bool(value) => Value::Bool(value),
        AnyValue::Int(value) => Value::Int(value),
        AnyValue::Double(value) if value.is_finite() => Value::Double(value),
        AnyValue::Double(value) => Value::String(float_text(value)),
        AnyValue::Array(values) => Value::Array(values.into_iter().map(self::value).collect()),
        AnyValue::Map(pairs) => Value::Map(
            pairs
                .into_iter()
                .map(|pair| (pair.key, self::value(pair.value)))
                .collect(),
        ),
        AnyValue::Unset | AnyValue::Bytes(_) => Value::String(value.to_string()),
    }
}
