//! A span and the resource that produced it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{RequestId, SpanId, TraceId};
use crate::names;
use crate::site::Site;

/// A point in time, nanoseconds since the Unix epoch, as OTLP counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixNanos(pub u64);

/// The value of `service.name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceName(pub String);

impl ServiceName {
    /// Makes a name of any text.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ServiceName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// OpenTelemetry's span kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Not stated by the exporter.
    #[default]
    Unspecified,
    /// Work inside one process.
    Internal,
    /// Handles a request from elsewhere.
    Server,
    /// Waits for an answer from elsewhere.
    Client,
    /// Sends a message without waiting.
    Producer,
    /// Handles a message.
    Consumer,
}

impl fmt::Display for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        })
    }
}

/// OpenTelemetry's span status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing was said: not an error.
    #[default]
    Unset,
    /// Explicitly fine.
    Ok,
    /// Failed, with the description that was given (may be empty).
    Error(String),
}

impl Status {
    /// Whether this is [`Status::Error`].
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

/// An attribute value. Arrays and maps keep their structure where the source has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double; never NaN in JSON.
    Double(f64),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// A map.
    Map(BTreeMap<String, Value>),
}

impl fmt::Display for Value {
    /// Texts as they are, everything else as JSON: the form in which Jaeger compares tags.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::String(value) => f.write_str(value),
            Self::Array(_) | Self::Map(_) => {
                f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
            }
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

/// Attributes by name, in name order so that output is stable.
pub type Attributes = BTreeMap<String, Value>;

/// The process that produced a span, as its resource attributes describe it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// `service.name`.
    pub service: ServiceName,
    /// `throughline.site`; absent when the process was not started by us or lost its environment.
    pub site: Option<Site>,
    /// Every resource attribute but `service.name`.
    pub attributes: Attributes,
}

impl Resource {
    /// Makes a resource of its attributes and reads the site from them.
    #[must_use]
    pub fn new(service: ServiceName, attributes: Attributes) -> Self {
        let site = attributes
            .get(names::SITE)
            .and_then(|site| site.to_string().parse().ok());
        Self {
            service,
            site,
            attributes,
        }
    }

    /// `service.version`, when it is there.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        self.attributes.get(names::SERVICE_VERSION).map(Value::to_string)
    }
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    /// When.
    pub time: UnixNanos,
    /// The event's name, `exception` for a recorded error.
    pub name: String,
    /// Its attributes.
    pub attributes: Attributes,
}

/// One span. `end` is never before `start`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The parent's id; `None` for a root.
    pub parent: Option<SpanId>,
    /// The process that produced it.
    pub resource: Arc<Resource>,
    /// The operation's name.
    pub name: String,
    /// Its role.
    pub kind: SpanKind,
    /// When it began.
    pub start: UnixNanos,
    /// When it ended.
    pub end: UnixNanos,
    /// How it ended.
    pub status: Status,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its events in the order in which they were recorded.
    pub events: Vec<SpanEvent>,
}

impl Span {
    /// The producing service.
    #[must_use]
    pub fn service(&self) -> &ServiceName {
        &self.resource.service
    }

    /// The producing process's site.
    #[must_use]
    pub fn site(&self) -> Option<Site> {
        self.resource.site
    }

    /// Whether this is the record of a span that was open when it was sent: its duration says nothing.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.attributes.get(names::PENDING) == Some(&Value::Bool(true))
    }

    /// For the record of an open span, the id and the name of that span: the record's own or, when it is a child `NAME (open)`,
    /// its parent's.
    #[must_use]
    pub fn open_span(&self) -> Option<(SpanId, &str)> {
        if !self.is_pending() {
            return None;
        }
        match (self.parent, self.name.strip_suffix(" (open)")) {
            (Some(parent), Some(name)) => Some((parent, name)),
            _ => Some((self.span_id, &self.name)),
        }
    }

    /// How long it took.
    #[must_use]
    pub const fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.end.0.saturating_sub(self.start.0))
    }

    /// What went wrong, when its status is an error: the description, else `error.type`, else the HTTP status, else just `error`.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let Status::Error(description) = &self.status else {
            return None;
        };
        let attribute = |name: &str| {
            self.attributes
                .get(name)
                .map(Value::to_string)
                .filter(|text| !text.is_empty())
        };
        let told = Some(description.clone()).filter(|text| !text.trim().is_empty());
        told.or_else(|| {
            let status = attribute(names::HTTP_STATUS).map(|status| format!("status {status}"));
            match attribute(names::ERROR_TYPE) {
                Some(kind) if status.as_ref().is_none_or(|status| !status.ends_with(&kind)) => Some(kind),
                _ => status,
            }
        })
        .or_else(|| Some("error".to_owned()))
    }

    /// The request id it carries, whatever trace it ended up in.
    #[must_use]
    pub fn request_id(&self) -> Option<RequestId> {
        self.attributes
            .get(names::REQUEST_ID)
            .and_then(|id| id.to_string().parse().ok())
    }
}
