//! The spans of one trace id, as they were delivered.

pub mod forest;
mod order;

use serde::Serialize;

use crate::id::{SpanId, TraceId};
use crate::span::Span;
pub use forest::{Node, NodeIndex, Parent, Tree, Visit, Walk};

/// The spans of one trace id.
///
/// Two traces made of the same spans in another order are equal: the order of delivery carries no meaning.
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
        spans.sort_by(order::spans);
        Self { id, spans }
    }

    /// The trace id.
    #[must_use]
    pub const fn id(&self) -> TraceId {
        self.id
    }

    /// All spans by start time, then id, then content; copies of a span that was delivered twice included, next to each other.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The same without records of open spans: what is left when nothing is open any more. A store that keeps such records
    /// beside the finished spans must not change what is counted. `None` when there was nothing else.
    #[must_use]
    pub fn finished(mut self) -> Option<Self> {
        self.spans.retain(|span| !span.is_pending());
        (!self.spans.is_empty()).then_some(self)
    }

    /// The caller's span id, when nobody tells it: no span is a root, and all that lack their parent lack the same one.
    #[must_use]
    pub fn likely_caller(&self) -> Option<SpanId> {
        let tree = self.tree(None);
        let mut missing = tree.orphans().map(|orphan| tree.span(orphan).parent);
        let first = missing.next().flatten()?;
        let alone = tree.roots().next().is_none() && missing.all(|parent| parent == Some(first));
        alone.then_some(first)
    }

    /// The spans as a tree. `caller` is the span id that the caller put into `traceparent`.
    #[must_use]
    pub fn tree(&self, caller: Option<SpanId>) -> Tree<'_> {
        Tree::new(self, caller)
    }
}

#[cfg(test)]
mod tests;
