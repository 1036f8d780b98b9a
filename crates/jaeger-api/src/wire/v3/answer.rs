//! What v3 wraps its answers in, and the answers that are not traces.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Serialize, Serializer};

use super::otlp::{ResourceSpans, TracesData};
use crate::wire::id::TraceId;
use crate::wire::lenient::{integer, or_default};

/// What a trace or a search answers: one document with all traces concatenated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Result<T> {
    /// The answer.
    pub result: T,
}

/// What `/api/v3/services` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// Their names; always written, because the UI refuses an answer without.
    #[serde(default, deserialize_with = "or_default")]
    pub services: Vec<String>,
}

/// What `/api/v3/operations` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// Names and kinds; always written, because the UI refuses an answer without.
    #[serde(default, deserialize_with = "or_default")]
    pub operations: Vec<Operation>,
}

/// A name and a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The spans' name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// `server`, `client`, `producer`, `consumer` or `internal`, which also stands for unspecified.
    #[serde(default, deserialize_with = "or_default")]
    pub span_kind: String,
}

/// What `/api/v3/trace-summaries` answers (since 2.19).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summaries {
    /// One for each trace; always written.
    #[serde(default, deserialize_with = "or_default")]
    pub summaries: Vec<TraceSummary>,
}

/// One trace in counts. Zero numbers are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// The trace.
    #[serde(default, alias = "traceID")]
    pub trace_id: TraceId,
    /// The root span's service.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub root_service_name: String,
    /// The root span's name.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub root_operation_name: String,
    /// Earliest start, nanoseconds since the Unix epoch.
    #[serde(
        default,
        deserialize_with = "integer",
        serialize_with = "text",
        skip_serializing_if = "is_zero"
    )]
    pub min_start_time_unix_nano: u64,
    /// Latest end, nanoseconds since the Unix epoch.
    #[serde(
        default,
        deserialize_with = "integer",
        serialize_with = "text",
        skip_serializing_if = "is_zero"
    )]
    pub max_end_time_unix_nano: u64,
    /// Spans.
    #[serde(default, deserialize_with = "integer", skip_serializing_if = "is_zero")]
    pub span_count: u64,
    /// Spans with error status.
    #[serde(default, deserialize_with = "integer", skip_serializing_if = "is_zero")]
    pub error_span_count: u64,
    /// Spans whose parent is not there.
    #[serde(default, deserialize_with = "integer", skip_serializing_if = "is_zero")]
    pub orphan_span_count: u64,
    /// The same for each service.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub services: Vec<ServiceSummary>,
}

/// One service's share of a [`TraceSummary`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSummary {
    /// The service.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its spans.
    #[serde(default, deserialize_with = "integer", skip_serializing_if = "is_zero")]
    pub span_count: u64,
    /// Those with error status.
    #[serde(default, deserialize_with = "integer", skip_serializing_if = "is_zero")]
    pub error_span_count: u64,
}

/// What a failure answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The only field.
    pub error: FailureBody,
}

/// What went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureBody {
    /// The HTTP status.
    #[serde(default, deserialize_with = "integer")]
    pub http_code: u16,
    /// The message.
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
}

impl Failure {
    /// A failure with its HTTP status.
    #[must_use]
    pub fn new(http_code: u16, message: impl Into<String>) -> Self {
        Self {
            error: FailureBody {
                http_code,
                message: message.into(),
            },
        }
    }
}

/// Reads the traces of a v3 answer: Jaeger's single document, the lines that a streaming gateway writes instead, or
/// plain OTLP JSON. An error in the middle of a stream is handed back as such.
///
/// # Errors
/// The body is none of these; the error knows line and column.
pub fn read_traces(body: &[u8]) -> serde_json::Result<std::result::Result<TracesData, FailureBody>> {
    /// One document of the body.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Chunk {
        result: Option<TracesData>,
        error: Option<FailureBody>,
        resource_spans: Option<Vec<ResourceSpans>>,
    }

    let mut all = TracesData::default();
    let mut documents = serde_json::Deserializer::from_slice(body)
        .into_iter::<Chunk>()
        .peekable();
    if documents.peek().is_none() {
        // Words the error of an empty body like that of any other truncated one.
        return serde_json::from_slice::<TracesData>(body).map(Ok);
    }
    for document in documents {
        match document? {
            Chunk {
                error: Some(error), ..
            } => return Ok(Err(error)),
            Chunk {
                result: Some(traces), ..
            } => all.resource_spans.extend(traces.resource_spans),
            Chunk {
                resource_spans: Some(groups),
                ..
            } => all.resource_spans.extend(groups),
            // Some other service's JSON must not pass for "no spans".
            _ => return Err(serde_json::Error::missing_field("result")),
        }
    }
    Ok(Ok(all))
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
