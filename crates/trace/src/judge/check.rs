//! One expectation against the evidence: the answer and the sites here; the way, the tree and single spans in modules of their own.

mod path;
mod spans;
mod tree;

use std::collections::BTreeSet;

use super::miss::{Checked, Clue, miss};
use super::scene::Scene;
use crate::evidence::Answer;
use crate::expect::Expectation;
use crate::site::Site;
use crate::span::Span;
use crate::words;

/// Checks one expectation.
pub(super) fn check(expectation: &Expectation, scene: &Scene<'_>) -> Checked {
    match expectation {
        Expectation::Status(status) => answered(|found| found == *status, scene),
        Expectation::StatusOneOf(statuses) => answered(|found| statuses.contains(&found), scene),
        Expectation::Path(path) => path::is_there(path, scene),
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

fn answered(expected: impl FnOnce(u16) -> bool, scene: &Scene<'_>) -> Checked {
    match &scene.evidence.answer {
        Answer::Response { status, .. } if expected(*status) => Ok(format!("status {status}")),
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
