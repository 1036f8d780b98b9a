//! Expectations on the tree as a whole.

use crate::judge::miss::{Checked, Clue, error, miss, name};
use crate::judge::scene::Scene;
use crate::span::Span;
use crate::tree::{NodeIndex, Parent, Tree};
use crate::words;

pub(super) fn connected(scene: &Scene<'_>) -> Checked {
    let Some(tree) = &scene.tree else {
        return miss(scene.nothing(), None, Clue::NoTrace);
    };
    let mut faults = Vec::new();
    let mut at = None;
    let mut clue = Clue::None;
    let orphans: Vec<NodeIndex> = tree.orphans().collect();
    if let Some(&first) = orphans.first() {
        let span = tree.span(first);
        let parent = span.parent.map(|parent| parent.to_string()).unwrap_or_default();
        faults.push(match orphans.len() {
            1 => format!("{} has a parent that is missing ({parent})", name(span)),
            all => format!(
                "{all} spans have a parent that is missing, first {} ({parent})",
                name(span)
            ),
        });
        at = Some(span);
        clue = Clue::Orphan(first);
    }
    if let Some(circle) = tree.circles().next() {
        let span = tree.span(circle);
        faults.push(format!("{} is among its own ancestors", name(span)));
        at = at.or(Some(span));
    }
    if let Some(id) = tree.conflicts().first() {
        let all: Vec<String> = tree
            .spans()
            .filter(|span| span.span_id == *id)
            .map(name)
            .collect();
        faults.push(format!(
            "different spans share the id {id}: {}",
            words::some(&all, 3)
        ));
        at = at.or_else(|| tree.find(*id).map(|node| tree.span(node)));
    }
    let roots: Vec<NodeIndex> = tree.roots().collect();
    let below_caller = roots
        .iter()
        .any(|&root| matches!(tree.node(root).parent, Parent::Caller(_)));
    let own: Vec<&Span> = roots
        .iter()
        .filter(|&&root| tree.node(root).parent == Parent::None)
        .map(|&root| tree.span(root))
        .collect();
    match usize::from(below_caller) + own.len() {
        1 => {}
        0 => faults.insert(0, "no root".to_owned()),
        all => {
            let names: Vec<String> = own.iter().map(|span| name(span)).collect();
            let caller = if below_caller {
                " beside what the caller reached"
            } else {
                ""
            };
            faults.push(format!("{all} roots: {}{caller}", words::some(&names, 3)));
            at = at.or_else(|| own.last().copied());
        }
    }
    if faults.is_empty() {
        return Ok(format!(
            "one tree of {} under trace {}",
            words::amount(tree.len(), "span"),
            scene.evidence.trace_id
        ));
    }
    miss(faults.join("; "), at, clue)
}

pub(super) fn no_stray(scene: &Scene<'_>) -> Checked {
    if scene.strays.is_empty() {
        return Ok(format!("no other trace of request {}", scene.evidence.request_id));
    }
    let told = scene.elsewhere();
    let first = scene.strays.first().and_then(|stray| stray.spans().next());
    miss(told.trim_start_matches(", and "), first, Clue::Stray)
}

pub(super) fn has_no_error(scene: &Scene<'_>) -> Checked {
    let Some(tree) = &scene.tree else {
        return miss(scene.nothing(), None, Clue::NoTrace);
    };
    let failed: Vec<NodeIndex> = tree
        .nodes()
        .filter(|(_, node)| node.span.status.is_error())
        .map(|(index, _)| index)
        .collect();
    let origin = origin(tree, &failed);
    match origin {
        None => Ok(format!("no error on {}", words::amount(tree.len(), "span"))),
        Some(origin) => {
            let span = tree.span(origin);
            let others = match failed.len() {
                1 => String::new(),
                all => format!(", and on {}", words::amount(all - 1, "more span")),
            };
            miss(
                format!("error on {}: {}{others}", name(span), error(span)),
                Some(span),
                Clue::Failure,
            )
        }
    }
}

/// The first failed span below which nothing failed: where the failure began, while its callers only passed it on.
fn origin(tree: &Tree<'_>, failed: &[NodeIndex]) -> Option<NodeIndex> {
    let mut passed_on = vec![false; tree.len()];
    for &node in failed {
        for above in tree.ancestors(node) {
            if std::mem::replace(&mut passed_on[above.get()], true) {
                break;
            }
        }
    }
    failed.iter().copied().find(|node| !passed_on[node.get()])
}
