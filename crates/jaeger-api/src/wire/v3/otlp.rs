//! Traces as OTLP JSON.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use super::value::KeyValue;
use crate::wire::exact::{is_default, text};
use crate::wire::id::{SpanId, TraceId};
use crate::wire::lenient::{integer, or_default};

/// OTLP's numbers for a span's kind.
pub mod kind {
    /// Not stated.
    pub const UNSPECIFIED: i32 = 0;
    /// Work inside one process.
    pub const INTERNAL: i32 = 1;
    /// Handles a request.
    pub const SERVER: i32 = 2;
    /// Sends a request.
    pub const CLIENT: i32 = 3;
    /// Sends a message.
    pub const PRODUCER: i32 = 4;
    /// Handles a message.
    pub const CONSUMER: i32 = 5;
}

/// OTLP's numbers for a span's status.
pub mod status_code {
    /// Nothing was said.
    pub const UNSET: i32 = 0;
    /// Explicitly fine.
    pub const OK: i32 = 1;
    /// Failed.
    pub const ERROR: i32 = 2;
}

/// Any number of spans, grouped by the process that produced them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TracesData {
    /// The groups in the order of their arrival.
    #[serde(deserialize_with = "or_default")]
    pub resource_spans: Vec<ResourceSpans>,
}

/// The spans of one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSpans {
    /// The process.
    #[serde(deserialize_with = "or_default")]
    pub resource: Resource,
    /// Its spans, grouped by the library that made them.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub scope_spans: Vec<ScopeSpans>,
    /// The semantic conventions that the resource follows.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub schema_url: String,
}

/// A process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    /// What describes it; `service.name` among them.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<KeyValue>,
    /// How many attributes its exporter left out.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub dropped_attributes_count: u32,
}

/// The spans of one instrumentation scope.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScopeSpans {
    /// The scope.
    #[serde(deserialize_with = "or_default")]
    pub scope: Scope,
    /// Its spans.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub spans: Vec<Span>,
    /// The semantic conventions that the spans follow.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub schema_url: String,
}

/// An instrumentation scope: a library, usually.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scope {
    /// Its name.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    /// Its version.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    /// What else describes it.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<KeyValue>,
    /// How many attributes its exporter left out.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub dropped_attributes_count: u32,
}

/// One span.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Span {
    /// The trace it belongs to.
    #[serde(skip_serializing_if = "TraceId::is_none")]
    pub trace_id: TraceId,
    /// Its own id.
    #[serde(skip_serializing_if = "SpanId::is_none")]
    pub span_id: SpanId,
    /// W3C `tracestate`.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub trace_state: String,
    /// The parent; none for a root.
    #[serde(skip_serializing_if = "SpanId::is_none")]
    pub parent_span_id: SpanId,
    /// W3C trace flags, and from bit 8 on whether the parent is remote.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub flags: u32,
    /// The operation.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    /// One of [`kind`].
    #[serde(deserialize_with = "span_kind", skip_serializing_if = "is_default")]
    pub kind: i32,
    /// Nanoseconds since the Unix epoch.
    #[serde(
        default,
        deserialize_with = "integer",
        serialize_with = "text",
        skip_serializing_if = "is_default"
    )]
    pub start_time_unix_nano: u64,
    /// Nanoseconds since the Unix epoch.
    #[serde(
        default,
        deserialize_with = "integer",
        serialize_with = "text",
        skip_serializing_if = "is_default"
    )]
    pub end_time_unix_nano: u64,
    /// Its attributes.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<KeyValue>,
    /// How many attributes its exporter left out.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub dropped_attributes_count: u32,
    /// What happened meanwhile.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub events: Vec<Event>,
    /// How many events its exporter left out.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub dropped_events_count: u32,
    /// Spans it relates to without being their child.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub links: Vec<Link>,
    /// How many links its exporter left out.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub dropped_links_count: u32,
    /// How it ended; always written.
    #[serde(deserialize_with = "or_default")]
    pub status: Status,
}

/// Something that happened during a span.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Nanoseconds since the Unix epoch.
    #[serde(
        default,
        deserialize_with = "integer",
        serialize_with = "text",
        skip_serializing_if = "is_default"
    )]
    pub time_unix_nano: u64,
    /// What.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    /// Details.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<KeyValue>,
    /// How many attributes its exporter left out.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub dropped_attributes_count: u32,
}

/// A relation to another span, often of another trace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Link {
    /// The other span's trace.
    #[serde(skip_serializing_if = "TraceId::is_none")]
    pub trace_id: TraceId,
    /// The other span.
    #[serde(skip_serializing_if = "SpanId::is_none")]
    pub span_id: SpanId,
    /// W3C `tracestate` of the other span.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub trace_state: String,
    /// Details.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<KeyValue>,
    /// How many attributes its exporter left out.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub dropped_attributes_count: u32,
    /// W3C trace flags of the other span.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub flags: u32,
}

/// How a span ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// Why it failed.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub message: String,
    /// One of [`status_code`].
    #[serde(deserialize_with = "code", skip_serializing_if = "is_default")]
    pub code: i32,
}

impl TracesData {
    /// All spans with the resource and the scope that they came with.
    pub fn spans(&self) -> impl Iterator<Item = (&Resource, &Scope, &Span)> {
        self.resource_spans.iter().flat_map(|group| {
            group.scope_spans.iter().flat_map(move |part| {
                part.spans
                    .iter()
                    .map(move |span| (&group.resource, &part.scope, span))
            })
        })
    }
}

fn span_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    deserializer.deserialize_any(Named(&[
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ]))
}

fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    deserializer.deserialize_any(Named(&[
        "STATUS_CODE_UNSET",
        "STATUS_CODE_OK",
        "STATUS_CODE_ERROR",
    ]))
}

/// An enumeration: a number as OTLP's JSON mapping has it, or the name that protobuf's own mapping would write.
struct Named(&'static [&'static str]);

impl Visitor<'_> for Named {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number or one of {:?}", self.0)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i32, E> {
        i32::try_from(value).map_err(|_| E::custom(format_args!("number {value} is out of range")))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i32, E> {
        i32::try_from(value).map_err(|_| E::custom(format_args!("number {value} is out of range")))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<i32, E> {
        // The cast saturates; anything but a small whole number is refused.
        if value.fract() == 0.0 {
            self.visit_i64(value as i64)
        } else {
            Err(E::custom("not a whole number"))
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
        match self.0.iter().position(|name| *name == text) {
            Some(number) => self.visit_u64(number as u64),
            None => text
                .parse()
                .map_err(|_| E::custom(format_args!("{text:?} is neither a number nor a known name"))),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<i32, E> {
        Ok(0)
    }
}
