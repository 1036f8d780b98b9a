//! What a search asks for, and whether a span has it.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use trace::SpanKind;

/// Criteria that must all hold on one and the same span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `service.name` of the span's resource, exactly.
    pub service: Option<String>,
    /// Span name, exactly.
    pub operation: Option<String>,
    /// Earliest start, nanoseconds since the Unix epoch, inclusive.
    pub start_min: Option<u64>,
    /// Latest start, nanoseconds since the Unix epoch, inclusive.
    pub start_max: Option<u64>,
    /// Shortest duration in nanoseconds, inclusive.
    pub duration_min: Option<u64>,
    /// Longest duration in nanoseconds, inclusive.
    pub duration_max: Option<u64>,
    /// Attributes by key, with the value in Jaeger's text form; the reserved keys of Jaeger's memory store apply.
    pub attributes: Vec<(String, String)>,
    /// The most traces to return.
    pub limit: usize,
}

impl Query {
    pub(crate) fn matches(&self, trace: &[ResourceSpans]) -> bool {
        trace.iter().any(|resource| {
            resource
                .scope_spans
                .iter()
                .any(|scope| scope.spans.iter().any(|span| self.holds(resource, scope, span)))
        })
    }

    fn holds(&self, resource: &ResourceSpans, scope: &ScopeSpans, span: &Span) -> bool {
        let duration = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
        self.service
            .as_deref()
            .is_none_or(|service| service == service_name(resource))
            && self
                .operation
                .as_deref()
                .is_none_or(|operation| operation == span.name)
            && self.start_min.is_none_or(|min| span.start_time_unix_nano >= min)
            && self.start_max.is_none_or(|max| span.start_time_unix_nano <= max)
            && self.duration_min.is_none_or(|min| duration >= min)
            && self.duration_max.is_none_or(|max| duration <= max)
            && self
                .attributes
                .iter()
                .all(|(key, value)| has(resource, scope, span, key, value))
    }
}

fn has(resource: &ResourceSpans, scope: &ScopeSpans, span: &Span, key: &str, value: &str) -> bool {
    let has = |attributes: &[KeyValue]| {
        attributes
            .iter()
            .any(|a| a.key == key && text(a.value.as_ref()) == value)
    };
    has(&span.attributes)
        || scope.scope.as_ref().is_some_and(|scope| has(&scope.attributes))
        || resource
            .resource
            .as_ref()
            .is_some_and(|resource| has(&resource.attributes))
        || span.events.iter().any(|event| has(&event.attributes))
        || span.links.iter().any(|link| has(&link.attributes))
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        _ => String::new(),
    }
}

pub(crate) fn service_name(resource: &ResourceSpans) -> &str {
    let attributes = resource
        .resource
        .as_ref()
        .map_or(&[][..], |resource| &resource.attributes);
    let value = attributes
        .iter()
        .find(|attribute| attribute.key == trace::names::SERVICE_NAME);
    match value.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(name)) if name.is_empty() => "empty-service-name",
        Some(Value::StringValue(name)) => name,
        Some(_) => "service-name-wrong-type",
        None => "missing-service-name",
    }
}

pub(crate) fn kind(kind: i32) -> SpanKind {
    match kind {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}
