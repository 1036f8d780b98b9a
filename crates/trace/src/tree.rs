//! A trace as a tree.

use serde::Serialize;

use crate::id::TraceId;
use crate::span::Span;

/// The spans of one trace id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    id: TraceId,
    spans: Vec<Span>,
}

impl Trace {
    /// Makes a trace of spans in any order; spans of another trace id are left out.
    #[must_use]
    pub fn new(id: TraceId, mut spans: Vec<Span>) -> Self {
        spans.retain(|span| span.trace_id == id);
        spans.sort_by_key(|span| (span.start, span.span_id));
        Self { id, spans }
    }

    /// The trace id.
    #[must_use]
    pub const fn id(&self) -> TraceId {
        self.id
    }

    /// All spans by start time, then id; copies of a span that was delivered twice included.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }
}
