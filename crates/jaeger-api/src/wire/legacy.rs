//! The JSON below `/api/`: Jaeger's older query API, which its own UI still reads traces from.
//!
//! Field order and what is `null`, `[]` or left out follow Jaeger 2.20.

mod tag;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

pub use tag::{Tag, TagValue};

use super::exact::is_default;
use super::id::{SpanId, TraceId};
use super::lenient::{integer, or_default};

/// What every answer is wrapped in. All five fields are always written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Envelope<T> {
    /// The answer; `null` in an error, and for the operations of an unknown service. Must be there when read, so that
    /// some other service's JSON does not pass for an empty answer.
    #[serde(deserialize_with = "Option::deserialize")]
    pub data: Option<Vec<T>>,
    /// Number of elements for services and operations; 0 in all other answers.
    #[serde(default, deserialize_with = "integer")]
    pub total: u64,
    /// Always 0.
    #[serde(default, deserialize_with = "integer")]
    pub limit: u64,
    /// Always 0.
    #[serde(default, deserialize_with = "integer")]
    pub offset: u64,
    /// `null` on success, except that a search by ids reports the missing ones here.
    pub errors: Option<Vec<Error>>,
}

impl<T> Envelope<T> {
    /// A success without a count.
    #[must_use]
    pub const fn of(data: Vec<T>) -> Self {
        Self {
            data: Some(data),
            total: 0,
            limit: 0,
            offset: 0,
            errors: None,
        }
    }

    /// A success with the number of elements in `total`.
    #[must_use]
    pub const fn counted(data: Vec<T>) -> Self {
        let total = data.len() as u64;
        Self {
            data: Some(data),
            total,
            limit: 0,
            offset: 0,
            errors: None,
        }
    }

    /// A failure.
    #[must_use]
    pub fn failed(code: u16, msg: impl Into<String>) -> Self {
        let error = Error {
            code,
            msg: msg.into(),
            trace_id: TraceId::NONE,
        };
        Self {
            data: None,
            total: 0,
            limit: 0,
            offset: 0,
            errors: Some(vec![error]),
        }
    }
}

/// One error of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Error {
    /// The HTTP status; 0 (left out) when a single trace of several was not found.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub code: u16,
    /// The message.
    #[serde(deserialize_with = "or_default")]
    pub msg: String,
    /// Which trace, when several were asked for.
    #[serde(
        rename = "traceID",
        skip_serializing_if = "TraceId::is_none",
        serialize_with = "short_id"
    )]
    pub trace_id: TraceId,
}

/// One trace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// The trace id.
    #[serde(rename = "traceID", serialize_with = "short_id")]
    pub trace_id: TraceId,
    /// Its spans in the order of their arrival.
    #[serde(deserialize_with = "or_default")]
    pub spans: Vec<Span>,
    /// The processes that the spans refer to.
    #[serde(deserialize_with = "or_default")]
    pub processes: BTreeMap<String, Process>,
    /// Written as `null`.
    #[serde(deserialize_with = "or_default", serialize_with = "null_when_empty")]
    pub warnings: Vec<String>,
}

/// One span. Times are whole microseconds: both were cut on their own, so start plus duration may be one short.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Span {
    /// The trace it belongs to.
    #[serde(rename = "traceID", serialize_with = "short_id")]
    pub trace_id: TraceId,
    /// Its own id.
    #[serde(rename = "spanID")]
    pub span_id: SpanId,
    /// The parent, in a deprecated form that current servers leave out; see [`Span::references`].
    #[serde(rename = "parentSpanID", skip_serializing_if = "SpanId::is_none")]
    pub parent_span_id: SpanId,
    /// Jaeger's own flags, left out by current servers.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub flags: u32,
    /// The span's name.
    #[serde(deserialize_with = "or_default")]
    pub operation_name: String,
    /// The parent first, then the links.
    #[serde(deserialize_with = "or_default")]
    pub references: Vec<Reference>,
    /// Microseconds since the Unix epoch.
    #[serde(deserialize_with = "integer")]
    pub start_time: u64,
    /// Microseconds.
    #[serde(deserialize_with = "integer")]
    pub duration: u64,
    /// Scope, attributes, kind, status and trace state, in this order.
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<Tag>,
    /// Events.
    #[serde(deserialize_with = "or_default")]
    pub logs: Vec<Log>,
    /// Key into [`Trace::processes`].
    #[serde(rename = "processID", deserialize_with = "or_default")]
    pub process_id: String,
    /// What was changed or found wrong; written as `null` when there is nothing.
    #[serde(deserialize_with = "or_default", serialize_with = "null_when_empty")]
    pub warnings: Vec<String>,
}

/// A span's relation to another span.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reference {
    /// The relation.
    #[serde(rename = "refType")]
    pub ref_type: RefType,
    /// The other span's trace.
    #[serde(rename = "traceID", serialize_with = "short_id")]
    pub trace_id: TraceId,
    /// The other span.
    #[serde(rename = "spanID")]
    pub span_id: SpanId,
}

/// How a span relates to another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefType {
    /// The other one is its parent.
    ChildOf,
    /// A link.
    #[default]
    #[serde(other)]
    FollowsFrom,
}

/// Something that happened during a span.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// Microseconds since the Unix epoch.
    #[serde(deserialize_with = "integer")]
    pub timestamp: u64,
    /// `event` with the event's name, then its attributes.
    #[serde(deserialize_with = "or_default")]
    pub fields: Vec<Tag>,
}

/// A process: the resource of its spans.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Process {
    /// `service.name`.
    #[serde(deserialize_with = "or_default")]
    pub service_name: String,
    /// The other resource attributes.
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<Tag>,
}

/// A name and a kind, as both APIs list them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// The spans' name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `server`, `client`, `producer`, `consumer`, `internal`, or empty when unspecified.
    #[serde(deserialize_with = "or_default")]
    pub span_kind: String,
}

/// One edge of the dependency graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dependency {
    /// The calling service.
    #[serde(deserialize_with = "or_default")]
    pub parent: String,
    /// The called service.
    #[serde(deserialize_with = "or_default")]
    pub child: String,
    /// How often.
    #[serde(deserialize_with = "integer")]
    pub call_count: u64,
}

fn short_id<S: Serializer>(id: &TraceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&id.to_legacy_text())
}

fn null_when_empty<S: Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    if texts.is_empty() {
        serializer.serialize_none()
    } else {
        texts.serialize(serializer)
    }
}
