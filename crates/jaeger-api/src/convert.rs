//! Between the wire and the trace model.
//!
//! [`wire::v3`](crate::wire::v3) loses nothing, so everything else is derived from it: [`to_legacy`] for the older API,
//! [`from_v3`] for the model. [`from_legacy`] undoes what Jaeger does to an OTLP span on the way out, so that a trace reads
//! the same from either API, apart from the nanoseconds that the legacy one cuts off.

mod from_legacy;
mod from_v3;
mod to_legacy;
mod to_v3;

pub use from_legacy::{from_legacy, parent_is_ambiguous};
pub use from_v3::from_v3;
pub use to_legacy::{service_name, to_legacy};
pub use to_v3::to_v3;

use trace::SpanKind;

use crate::wire::v3::kind;

/// Attribute in which Jaeger keeps what it found wrong with a span, a list of texts.
pub const WARNINGS: &str = "@jaeger@warnings";

/// The kind that both APIs write as a lower-case word; anything else is unspecified.
#[must_use]
pub fn kind_from_text(text: &str) -> SpanKind {
    match text {
        "internal" => SpanKind::Internal,
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

/// The lower-case word for a kind; empty when it is unspecified.
#[must_use]
pub const fn kind_word(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

/// What one of OTLP's numbers ([`v3::kind`](crate::wire::v3::kind)) means; anything else is unspecified.
#[must_use]
pub const fn kind_from_number(number: i32) -> SpanKind {
    match number {
        kind::INTERNAL => SpanKind::Internal,
        kind::SERVER => SpanKind::Server,
        kind::CLIENT => SpanKind::Client,
        kind::PRODUCER => SpanKind::Producer,
        kind::CONSUMER => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

/// A span that the trace model can't hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("span {position} ({name:?} of {service:?}) can't be used")]
pub struct UnusableSpan {
    /// Its place in the answer, from 0.
    pub position: usize,
    /// Its service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    #[source]
    pub source: trace::InvalidId,
}

/// Names under which the legacy API shows what OTLP has fields for.
mod tags {
    pub(super) const SCOPE_NAME: &str = "otel.scope.name";
    pub(super) const SCOPE_VERSION: &str = "otel.scope.version";
    pub(super) const KIND: &str = "span.kind";
    pub(super) const STATUS_CODE: &str = "otel.status_code";
    pub(super) const STATUS_DESCRIPTION: &str = "otel.status_description";
    pub(super) const ERROR: &str = "error";
    pub(super) const TRACE_STATE: &str = "w3c.tracestate";
    pub(super) const EVENT: &str = "event";
}
