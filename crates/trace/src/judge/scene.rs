//! The evidence, made walkable once for all expectations.

use crate::evidence::Evidence;
use crate::render;
use crate::span::Span;
use crate::tree::Tree;

/// Evidence with its trees.
pub(super) struct Scene<'e> {
    pub(super) evidence: &'e Evidence,
    /// The trace of the request; empty when the store has none.
    pub(super) tree: Option<Tree<'e>>,
    pub(super) strays: Vec<Tree<'e>>,
}

impl<'e> Scene<'e> {
    pub(super) fn new(evidence: &'e Evidence) -> Self {
        let tree = |trace: &'e crate::tree::Trace| trace.tree(Some(evidence.caller_span));
        let mut strays: Vec<Tree<'e>> = evidence
            .strays
            .iter()
            .map(tree)
            .filter(|tree| !tree.is_empty())
            .collect();
        // The store's order says nothing; the earliest one is where things went wrong first.
        strays.sort_by_key(|tree| tree.spans().next().map(|span| (span.start, span.trace_id)));
        Self {
            evidence,
            tree: evidence.trace.as_ref().map(tree).filter(|tree| !tree.is_empty()),
            strays,
        }
    }

    /// The distinct spans of the request's trace.
    pub(super) fn spans(&self) -> impl Iterator<Item = &'e Span> {
        self.tree.iter().flat_map(Tree::spans)
    }

    /// Where the request went, as far as spans tell: what is under our trace id, and what is under another one.
    pub(super) fn ways(&self) -> String {
        self.tree.as_ref().map_or_else(|| self.nothing(), render::ways) + &self.elsewhere()
    }

    /// That there is no span.
    pub(super) fn nothing(&self) -> String {
        format!("no span under trace {}", self.evidence.trace_id.short())
    }

    /// `, and inventory-service@cluster under trace 9f31…` for each stray trace, or nothing.
    pub(super) fn elsewhere(&self) -> String {
        render::elsewhere(self.strays.iter())
    }
}
