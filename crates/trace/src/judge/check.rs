//! One expectation against the evidence: the answer, the way, the sites. What concerns the tree or single spans has its own module.

mod spans;
mod tree;

use std::collections::BTreeSet;

use super::miss::{Checked, Clue, miss};
use super::scene::Scene;
use crate::evidence::Answer;
use crate::expect::{At, Expectation};
use crate::site::Site;
use crate::span::{Span, SpanKind};
use crate::tree::NodeIndex;
use crate::words;

/// Checks one expectation.
pub(super) fn check(expectation: &Expectation, scene: &Scene<'_>) -> Checked {
    match expectation {
        Expectation::Status(status) => answered(*status, scene),
        Expectation::Path(path) => follows(path, scene),
        Expectation::Sites(sites) => from_sites(sites, scene),
        Expectation::Connected => tree::connected(scene),
        Expectation::NoStray => tree::no_stray(scene),
        Expectation::Attributes { select, attributes } => spans::have_attributes(select, attributes, scene),
        Expectation::Count { select, count } => spans::are_counted(select, *count, scene),
        Expectation::Error { select } => spans::have_error(select, scene),
        Expectation::NoError => tree::has_no_error(scene),
        Expectation::Duration { select, min, max } => spans::take(select, *min, *max, scene),
        Expectation::Absent { select } => spans::are_absent(select, scene),
    }
}

fn answered(expected: u16, scene: &Scene<'_>) -> Checked {
    match &scene.evidence.answer {
        Answer::Response { status, .. } if *status == expected => Ok(format!("status {status}")),
        Answer::Response { status, body } => {
            let body = words::clip(words::clean(body.trim()).trim(), 160);
            let body = if body.is_empty() {
                String::new()
            } else {
                format!(": {body}")
            };
            miss(format!("status {status}{body}"), None, Clue::Failure)
        }
        Answer::Failed(error) => miss(
            format!("no answer: {}", words::clip(&words::clean(error), 160)),
            None,
            Clue::Failure,
        ),
    }
}

/// Marks, for every span, up to which places of the path its ancestors and itself have come without leaving the path.
fn follows(path: &[At], scene: &Scene<'_>) -> Checked {
    let Some(first) = path.first() else {
        return miss("a path without places matches nothing", None, Clue::None);
    };
    let Some(tree) = &scene.tree else {
        return miss(scene.ways(), None, Clue::Absent(first.clone()));
    };
    let mut reached: Vec<Vec<bool>> = vec![Vec::new(); tree.len()];
    let mut furthest: Option<(usize, bool, NodeIndex)> = None;
    for visit in tree.walk() {
        let span = tree.span(visit.node);
        let above = tree.parent(visit.node).map(|parent| &reached[parent.get()]);
        let at = |place: usize| above.is_some_and(|above| above.get(place).copied().unwrap_or(false));
        let mut here = Vec::new();
        for (place, wanted) in path.iter().enumerate() {
            if wanted.matches(span) && (place == 0 || at(place) || at(place - 1)) {
                here.resize(place, false);
                here.push(true);
            }
        }
        // Of several that came as far, a call that nobody answered: that is where the way should have gone on.
        let open_call = span.kind == SpanKind::Client && tree.children(visit.node).is_empty();
        if let Some(last) = here.len().checked_sub(1)
            && furthest.is_none_or(|(most, open, _)| (last, open_call) > (most, open))
        {
            furthest = Some((last, open_call, visit.node));
        }
        reached[visit.node.get()] = here;
    }
    match furthest {
        Some((last, ..)) if last + 1 == path.len() => Ok(Expectation::Path(path.to_vec()).to_string()),
        Some((last, _, node)) => miss(
            scene.ways(),
            Some(tree.span(node)),
            Clue::Absent(path[last + 1].clone()),
        ),
        None => miss(scene.ways(), None, Clue::Absent(first.clone())),
    }
}

fn from_sites(expected: &BTreeSet<Site>, scene: &Scene<'_>) -> Checked {
    let mut found = BTreeSet::new();
    let mut nowhere: Option<&Span> = None;
    let mut wrong: Option<&Span> = None;
    for span in scene.spans() {
        match span.site() {
            Some(site) => {
                found.insert(site);
                if !expected.contains(&site) {
                    wrong = wrong.or(Some(span));
                }
            }
            None => nowhere = nowhere.or(Some(span)),
        }
    }
    let mut told = match found.len() {
        0 => "no span from a known site".to_owned(),
        1 => format!("spans from the {} only", words::list(&found)),
        _ => format!("spans from {}", words::list(&found)),
    };
    if let Some(span) = nowhere {
        told.push_str(&format!(", and from {} without a site", span.service()));
    }
    if expected.is_empty() {
        return miss(told, None, Clue::None);
    }
    if let Some(missing) = expected.iter().find(|site| !found.contains(site)) {
        return miss(told, None, Clue::AbsentSite(*missing));
    }
    match (wrong, nowhere) {
        (Some(span), _) => miss(
            told,
            Some(span),
            Clue::Surplus {
                span: span.span_id,
                elsewhere: true,
            },
        ),
        (None, Some(span)) => miss(told, Some(span), Clue::None),
        (None, None) => Ok(told),
    }
}
