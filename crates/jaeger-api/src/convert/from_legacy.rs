//! From the legacy form to the trace model.

use std::collections::HashMap;
use std::sync::Arc;

use trace::span::{Attributes, SpanEvent};
use trace::{
    InvalidId, Resource, ServiceName, Span, SpanId, SpanKind, Status, Trace, TraceId, UnixNanos, Value,
};

use super::{UnusableSpan, kind_from_text, tags};
use crate::wire::json::float_text;
use crate::wire::legacy::{self, Process, RefType, Tag, TagValue};

/// One trace.
///
/// Tags that stand for OTLP fields (kind, status, scope, trace state) become those fields again. Times keep the
/// microseconds that the legacy form has.
///
/// # Errors
/// The trace id or a span's id is missing or zero.
pub fn from_legacy(trace: legacy::Trace) -> Result<Trace, UnusableSpan> {
    let resources: HashMap<String, Arc<Resource>> = trace
        .processes
        .into_iter()
        .map(|(key, process)| (key, Arc::new(resource(process))))
        .collect();
    let unknown = Arc::new(Resource::new(ServiceName::new(""), Attributes::new()));
    let mut spans = Vec::with_capacity(trace.spans.len());
    let mut trace_id = TraceId::try_from(trace.trace_id);
    for (position, span) in trace.spans.into_iter().enumerate() {
        let resource = resources.get(&span.process_id).unwrap_or(&unknown);
        let (service, name) = (resource.service.to_string(), span.operation_name.clone());
        let span = read_span(span, resource).map_err(|source| UnusableSpan {
            position,
            service,
            name,
            source,
        })?;
        if trace_id.is_err() {
            trace_id = Ok(span.trace_id);
        }
        spans.push(span);
    }
    let id = trace_id.map_err(|source| UnusableSpan {
        position: 0,
        service: String::new(),
        name: String::new(),
        source,
    })?;
    Ok(Trace::new(id, spans))
}

/// Whether a span's parent can't be told from a link: a link to the parent hides that it is the parent, and then looks
/// like a root's link into its own trace. v3 has both, each in its own field.
#[must_use]
pub fn parent_is_ambiguous(span: &legacy::Span) -> bool {
    let mut own = span
        .references
        .iter()
        .filter(|reference| reference.trace_id == span.trace_id)
        .peekable();
    own.peek().is_some() && own.all(|reference| reference.ref_type == RefType::FollowsFrom)
}

fn read_span(span: legacy::Span, resource: &Arc<Resource>) -> Result<Span, InvalidId> {
    let parent = parent(&span);
    let mut tags = span.tags;
    take_first(&mut tags, tags::SCOPE_NAME);
    take_first(&mut tags, tags::SCOPE_VERSION);
    take_last(&mut tags, tags::TRACE_STATE, |value| text(value).is_some());
    let kind = take_last(&mut tags, tags::KIND, |value| {
        text(value).and_then(read_kind).is_some()
    });
    let start = span.start_time.saturating_mul(1_000);
    Ok(Span {
        trace_id: TraceId::try_from(span.trace_id)?,
        span_id: SpanId::try_from(span.span_id)?,
        parent,
        resource: Arc::clone(resource),
        name: span.operation_name,
        kind: kind
            .as_ref()
            .and_then(text)
            .and_then(read_kind)
            .unwrap_or_default(),
        start: UnixNanos(start),
        end: UnixNanos(start.saturating_add(span.duration.saturating_mul(1_000))),
        status: take_status(&mut tags),
        attributes: attributes(tags),
        events: span.logs.into_iter().map(read_event).collect(),
    })
}

/// Jaeger's own rule: the first reference within the trace that says child, otherwise the first one within the trace.
fn parent(span: &legacy::Span) -> Option<SpanId> {
    let mut own = span
        .references
        .iter()
        .filter(|reference| reference.trace_id == span.trace_id);
    let child_of = own
        .clone()
        .find(|reference| reference.ref_type == RefType::ChildOf);
    let id = child_of
        .or_else(|| own.next())
        .map_or(span.parent_span_id, |reference| reference.span_id);
    SpanId::try_from(id).ok()
}

fn take_status(tags: &mut Vec<Tag>) -> Status {
    let description = take_last(tags, tags::STATUS_DESCRIPTION, |value| text(value).is_some());
    let code = take_last(tags, tags::STATUS_CODE, |value| {
        matches!(text(value), Some("OK" | "ERROR"))
    });
    match code.as_ref().and_then(text) {
        Some("OK") => Status::Ok,
        Some(_) => {
            take_last(tags, tags::ERROR, |value| *value == TagValue::Bool(true));
            Status::Error(description.map(|value| value.to_string()).unwrap_or_default())
        }
        None => Status::Unset,
    }
}

fn read_event(log: legacy::Log) -> SpanEvent {
    let mut fields = log.fields;
    let name = take_first(&mut fields, tags::EVENT)
        .map(|value| value.to_string())
        .unwrap_or_default();
    SpanEvent {
        time: UnixNanos(log.timestamp.saturating_mul(1_000)),
        name,
        attributes: attributes(fields),
    }
}

fn resource(process: Process) -> Resource {
    Resource::new(ServiceName::new(process.service_name), attributes(process.tags))
}

fn attributes(tags: Vec<Tag>) -> Attributes {
    tags.into_iter().map(|tag| (tag.key, value(tag.value))).collect()
}

fn value(value: TagValue) -> Value {
    match value {
        TagValue::String(text) => Value::String(text),
        TagValue::Bool(value) => Value::Bool(value),
        TagValue::Int64(value) => Value::Int(value),
        TagValue::Float64(value) if value.is_finite() => Value::Double(value),
        TagValue::Float64(value) => Value::String(float_text(value)),
        TagValue::Binary(_) => Value::String(value.to_string()),
    }
}

fn text(value: &TagValue) -> Option<&str> {
    match value {
        TagValue::String(text) => Some(text),
        _ => None,
    }
}

fn read_kind(text: &str) -> Option<SpanKind> {
    Some(kind_from_text(text)).filter(|kind| *kind != SpanKind::Unspecified)
}

/// What Jaeger puts before the span's own attributes.
fn take_first(tags: &mut Vec<Tag>, key: &str) -> Option<TagValue> {
    let place = tags.iter().position(|tag| tag.key == key)?;
    Some(tags.remove(place).value)
}

/// What Jaeger puts after the span's own attributes; one of the same name that is not meant stays an attribute.
fn take_last(tags: &mut Vec<Tag>, key: &str, meant: impl Fn(&TagValue) -> bool) -> Option<TagValue> {
    let place = tags.iter().rposition(|tag| tag.key == key && meant(&tag.value))?;
    Some(tags.remove(place).value)
}
