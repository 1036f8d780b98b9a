//! What is drawn: the trace of a request, and the strays beside it.

use crate::evidence::Evidence;
use crate::id::SpanId;
use crate::tree::{Trace, Tree};

/// The traces to draw. Made of an [`Evidence`] or of a [`Trace`] alone with `into()`.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'e> {
    /// The trace of the request, when there is one.
    pub trace: Option<&'e Trace>,
    /// The span id that the caller put into `traceparent`: not an orphan's parent.
    pub caller: Option<SpanId>,
    /// Other traces of the same request.
    pub strays: &'e [Trace],
}

impl<'e> Picture<'e> {
    /// The traces as trees, ours first, then the strays by their begin; each with whether it is a stray.
    pub(crate) fn trees(&self) -> Vec<(bool, Tree<'e>)> {
        let ours = self
            .trace
            .into_iter()
            .map(|trace| (false, trace.tree(self.caller)));
        let mut strays: Vec<(bool, Tree<'e>)> = self
            .strays
            .iter()
            .map(|stray| (true, stray.tree(self.caller)))
            .collect();
        strays.sort_by_key(|(_, tree)| tree.spans().next().map(|span| (span.start, span.trace_id)));
        ours.chain(strays).collect()
    }
}

impl<'e> From<&'e Evidence> for Picture<'e> {
    fn from(evidence: &'e Evidence) -> Self {
        Self {
            trace: evidence.trace.as_ref(),
            caller: Some(evidence.caller_span),
            strays: &evidence.strays,
        }
    }
}

impl<'e> From<&'e Trace> for Picture<'e> {
    fn from(trace: &'e Trace) -> Self {
        Self {
            trace: Some(trace),
            caller: trace.likely_caller(),
            strays: &[],
        }
    }
}
