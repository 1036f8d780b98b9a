//! The evidence, made walkable once for all expectations.

use crate::evidence::Evidence;
use crate::render;
use crate::route::Routes;
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
        Self {
            evidence,
            tree: evidence.trace.as_ref().map(tree).filter(|tree| !tree.is_empty()),
            strays: evidence
                .strays
                .iter()
                .map(tree)
                .filter(|tree| !tree.is_empty())
                .collect(),
        }
    }

    /// The distinct spans of the request's trace.
    pub(super) fn spans(&self) -> impl Iterator<Item = &'e Span> {
        self.tree.iter().flat_map(Tree::spans)
    }

    /// Where the request went, as far as spans tell: what is under our trace id, and what is under another one.
    pub(super) fn ways(&self) -> String {
        let mut told = match &self.tree {
            Some(tree) => render::routes(&Routes::new(tree)),
            None => self.nothing(),
        };
        told.push_str(&self.elsewhere());
        told
    }

    /// That there is no span.
    pub(super) fn nothing(&self) -> String {
        format!("no span under trace {}", self.evidence.trace_id.short())
    }

    /// `, and inventory-service@cluster under trace 9f31…` for each stray trace, or nothing.
    pub(super) fn elsewhere(&self) -> String {
        const MOST: usize = 3;
        let mut told = String::new();
        for stray in self.strays.iter().take(MOST) {
            let Some(first) = stray.spans().next() else {
                continue;
            };
            told.push_str(", and ");
            told.push_str(&render::routes(&Routes::new(stray)));
            told.push_str(&format!(" under trace {}", first.trace_id.short()));
        }
        match self.strays.len() {
            all if all > MOST => told.push_str(&format!(", and {} more traces", all - MOST)),
            _ => {}
        }
        told
    }
}
