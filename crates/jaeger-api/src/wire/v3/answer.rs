//! What v3 wraps its answers in, and the answers that are not traces.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::otlp::{ResourceSpans, TracesData};
use crate::wire::exact::{is_default, text};
use crate::wire::id::TraceId;
use crate::wire::legacy::Operation;
use crate::wire::lenient::{integer, or_default};

/// What a trace or a search answers: one document with all traces concatenated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wrapped<T> {
    /// The answer.
    pub result: T,
}

/// What `/api/v3/services` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Services {
    /// Their names; always written, because the UI refuses an answer without.
    pub services: Vec<String>,
}

/// What `/api/v3/operations` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Operations {
    /// Names and kinds; always written, because the UI refuses an answer without. Here an unspecified kind is
    /// `internal`.
    pub operations: Vec<Operation>,
}

/// What `/api/v3/trace-summaries` answers (since 2.19).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summaries {
    /// One for each trace; always written.
    pub summaries: Vec<TraceSummary>,
}

/// One trace in counts. Zero numbers are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TraceSummary {
    /// The trace.
    #[serde(alias = "traceID")]
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
        skip_serializing_if = "is_default"
    )]
    pub min_start_time_unix_nano: u64,
    /// Latest end, nanoseconds since the Unix epoch.
    #[serde(
        default,
        deserialize_with = "integer",
        serialize_with = "text",
        skip_serializing_if = "is_default"
    )]
    pub max_end_time_unix_nano: u64,
    /// Spans.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub span_count: u64,
    /// Spans with error status.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub error_span_count: u64,
    /// Spans whose parent is not there.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
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
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSummary {
    /// The service.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its spans.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
    pub span_count: u64,
    /// Those with error status.
    #[serde(deserialize_with = "integer", skip_serializing_if = "is_default")]
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
#[serde(rename_all = "camelCase", default)]
pub struct FailureBody {
    /// The HTTP status.
    #[serde(deserialize_with = "integer")]
    pub http_code: u16,
    /// The message.
    #[serde(deserialize_with = "or_default")]
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

impl<'de> Deserialize<'de> for Services {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(List::named("services"))
            .map(|services| Self { services })
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(List::named("operations"))
            .map(|operations| Self { operations })
    }
}

impl<'de> Deserialize<'de> for Summaries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(List::named("summaries"))
            .map(|summaries| Self { summaries })
    }
}

/// An object that holds one list. Jaeger may leave an empty list out and then writes `{}`; an object that has other
/// fields instead is some other service's answer and must not pass for an empty list.
struct List<T> {
    name: &'static str,
    of: PhantomData<T>,
}

impl<T> List<T> {
    const fn named(name: &'static str) -> Self {
        Self {
            name,
            of: PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the list `{}`", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Vec<T>, A::Error> {
        let mut list = None;
        let mut is_empty = true;
        while let Some(name) = fields.next_key::<String>()? {
            is_empty = false;
            if name == self.name {
                list = Some(fields.next_value::<Option<_>>()?.unwrap_or_default());
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        match list {
            Some(list) => Ok(list),
            None if is_empty => Ok(Vec::new()),
            None => Err(A::Error::missing_field(self.name)),
        }
    }
}

/// Reads the traces of a v3 answer: Jaeger's single document, the lines that a streaming gateway writes instead, or
/// plain OTLP JSON. An error in the middle of a stream is handed back as such.
///
/// # Errors
/// The body is none of these; the error knows line and column.
pub fn read_traces(body: &[u8]) -> serde_json::Result<Result<TracesData, FailureBody>> {
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
