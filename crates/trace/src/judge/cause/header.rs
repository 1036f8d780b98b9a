//! Where a stray trace broke off: between which two places a traceparent header was lost, or inside which process the context.

use super::{Detective, the_caller};
use crate::expect::At;
use crate::judge::miss::short;
use crate::judge::plan::Before;
use crate::route::Place;
use crate::span::{Span, SpanKind};
use crate::tree::Tree;
use crate::verdict::Cause;

impl Detective<'_, '_, '_> {
    pub(super) fn broken_at(&self, stray: &Tree<'_>) -> Cause {
        let root = root_most(stray);
        let to = root.map_or_else(|| At::anywhere("somebody"), |span| Place::of(span).to_at());
        let trace_id = root.map_or(self.scene.evidence.trace_id, |root| root.trace_id);
        let request = self.scene.evidence.request_id.clone();
        if let Some(root) = root.filter(|root| began_inside(root)) {
            return Cause::ContextLost {
                process: to,
                span: short(&root.name),
                stray: trace_id,
                request,
            };
        }
        let from = root.map_or_else(the_caller, |root| self.last_with_header(root, &to));
        match self.strangers(&from, &to) {
            Some((process, speaks, others)) => Cause::OtherPropagator {
                from,
                to,
                stray: trace_id,
                request,
                process,
                speaks,
                others,
            },
            None => Cause::HeaderLost {
                from,
                to,
                stray: trace_id,
                request,
            },
        }
    }

    /// The last place before a stray trace's beginning.
    pub(super) fn last_with_header(&self, root: &Span, to: &At) -> At {
        // A trace id that changed on the way leaves the parent's id as it was.
        if let Some(tree) = &self.scene.tree
            && let Some(parent) = root.parent.and_then(|parent| tree.find(parent))
        {
            return Place::of(tree.span(parent)).to_at();
        }
        match self.plan.before(to) {
            Before::Caller => the_caller(),
            Before::Place(path) => {
                let seen = path.iter().rev().find(|place| {
                    let anywhere = place.without_site();
                    self.is_here(&anywhere) || self.stray_with(&anywhere).is_some()
                });
                seen.map_or_else(the_caller, |place| self.as_found(place))
            }
            Before::Unknown => self.likely_caller(root).unwrap_or_else(the_caller),
        }
    }

    /// Whose unanswered call was under way when a span began; else whoever did anything last before it.
    pub(super) fn likely_caller(&self, span: &Span) -> Option<At> {
        let tree = self.scene.tree.as_ref()?;
        let open = tree.nodes().filter(|(node, found)| {
            found.span.kind == SpanKind::Client
                && tree.children(*node).is_empty()
                && found.span.start <= span.start
                && span.start <= found.span.end
        });
        let before = tree.spans().filter(|other| other.start <= span.start).last();
        let calling = open
            .map(|(_, node)| node.span)
            .next_back()
            .or(before)
            .or_else(|| tree.spans().last())?;
        Some(Place::of(calling).to_at())
    }
}

/// Whether a trace begins with something that no request from outside makes: then no header was lost on the way. Below a parent
/// that is only missing, the beginning is somewhere else.
fn began_inside(root: &Span) -> bool {
    let inside = matches!(
        root.kind,
        SpanKind::Internal | SpanKind::Client | SpanKind::Producer
    );
    inside && root.parent.is_none()
}

/// Where a trace begins: its first root, or what comes nearest to one; of several, one that serves.
fn root_most<'t>(tree: &Tree<'t>) -> Option<&'t Span> {
    let tops = || {
        tree.roots()
            .chain(tree.orphans())
            .chain(tree.circles())
            .map(|top| tree.span(top))
    };
    tops()
        .find(|span| span.kind == SpanKind::Server)
        .or_else(|| tops().next())
}
