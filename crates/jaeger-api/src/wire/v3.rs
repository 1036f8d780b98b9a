//! The JSON below `/api/v3/`: Jaeger's stable query API, whose traces are OTLP JSON.
//!
//! [`TracesData`] and what it holds keep everything that OTLP can say of a span, so they also serve as the model from
//! which the legacy form is made. Field names and encodings follow the OTLP 1.x specification's JSON mapping: ids in
//! hexadecimal, 64-bit integers as texts, enumerations as numbers, bytes in base64, empty fields left out.

mod answer;
mod otlp;
mod value;

pub use answer::{
    Failure, FailureBody, Operations, ServiceSummary, Services, Summaries, TraceSummary, Wrapped, read_traces,
};
pub use otlp::{
    Event, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status, TracesData, kind, status_code,
};
pub use value::{AnyValue, KeyValue};
