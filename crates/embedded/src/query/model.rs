//! From stored spans to the form in which they are adjusted, translated and written: OTLP JSON's.

use jaeger_api::wire::id::{SpanId, TraceId};
use jaeger_api::wire::v3::{Event, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status};
use opentelemetry_proto::tonic::{common::v1 as common, resource::v1 as resource, trace::v1 as otlp};

use crate::store::value::attributes;

/// Takes over a group of spans; nothing is lost.
pub(super) fn resource_spans(group: otlp::ResourceSpans) -> ResourceSpans {
    ResourceSpans {
        resource: group.resource.map(resource).unwrap_or_default(),
        scope_spans: group.scope_spans.into_iter().map(scope_spans).collect(),
        schema_url: group.schema_url,
    }
}

fn resource(resource: resource::Resource) -> Resource {
    Resource {
        attributes: attributes(resource.attributes),
        dropped_attributes_count: resource.dropped_attributes_count,
    }
}

fn scope_spans(group: otlp::ScopeSpans) -> ScopeSpans {
    ScopeSpans {
        scope: group.scope.map(scope).unwrap_or_default(),
        spans: group.spans.into_iter().map(span).collect(),
        schema_url: group.schema_url,
    }
}

fn scope(scope: common::InstrumentationScope) -> Scope {
    Scope {
        name: scope.name,
        version: scope.version,
        attributes: attributes(scope.attributes),
        dropped_attributes_count: scope.dropped_attributes_count,
    }
}

fn span(span: otlp::Span) -> Span {
    Span {
        trace_id: trace_id(&span.trace_id),
        span_id: span_id(&span.span_id),
        trace_state: span.trace_state,
        parent_span_id: span_id(&span.parent_span_id),
        flags: span.flags,
        name: span.name,
        kind: span.kind,
        start_time_unix_nano: span.start_time_unix_nano,
        end_time_unix_nano: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events: span.events.into_iter().map(event).collect(),
        dropped_events_count: span.dropped_events_count,
        links: span.links.into_iter().map(link).collect(),
        dropped_links_count: span.dropped_links_count,
        status: span.status.map(status).unwrap_or_default(),
    }
}

fn event(event: otlp::span::Event) -> Event {
    Event {
        time_unix_nano: event.time_unix_nano,
        name: event.name,
        attributes: attributes(event.attributes),
        dropped_attributes_count: event.dropped_attributes_count,
    }
}

fn link(link: otlp::span::Link) -> Link {
    Link {
        trace_id: trace_id(&link.trace_id),
        span_id: span_id(&link.span_id),
        trace_state: link.trace_state,
        attributes: attributes(link.attributes),
        dropped_attributes_count: link.dropped_attributes_count,
        flags: link.flags,
    }
}

fn status(status: otlp::Status) -> Status {
    Status {
        message: status.message,
        code: status.code,
    }
}

/// The store hands out ids of their proper length or none.
fn trace_id(bytes: &[u8]) -> TraceId {
    bytes.try_into().map(TraceId::new).unwrap_or_default()
}

fn span_id(bytes: &[u8]) -> SpanId {
    bytes.try_into().map(SpanId::new).unwrap_or_default()
}
