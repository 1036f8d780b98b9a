//! Judges the evidence of one request against what is expected of it. A pure function, and the heart of the project.

mod cause;
mod check;
mod miss;
mod plan;
mod scene;

use crate::evidence::Evidence;
use crate::expect::Expectation;
use crate::verdict::{Mismatch, Verdict};
use plan::Plan;
use scene::Scene;

/// Judges settled evidence: [`Verdict::Pass`] when every expectation holds, else [`Verdict::Fail`] with all that do not, those
/// whose cause lies furthest upstream first.
///
/// Whether the evidence is settled is for [`settle`](crate::settle()) to say. Expecting nothing is a failure, and so is expecting
/// only that things are absent when there is no span at all: a green result that checked nothing is worse than a red one.
#[must_use]
pub fn judge(evidence: &Evidence, expected: &[Expectation]) -> Verdict {
    let scene = Scene::new(evidence);
    let plan = Plan::new(expected);
    let mut shown = Vec::new();
    let mut mismatches = Vec::new();
    for expectation in expected {
        match check::check(expectation, &scene) {
            Ok(line) => shown.push(line),
            Err(miss) => mismatches.push(Mismatch {
                expected: wanted(expectation, evidence),
                found: miss.found,
                at: miss.at,
                cause: cause::diagnose(&miss.clue, &scene, &plan),
            }),
        }
    }
    if mismatches.is_empty() {
        mismatches.extend(unfounded(&scene, expected));
    }
    if !mismatches.is_empty() {
        let rank = |mismatch: &Mismatch| {
            mismatch
                .cause
                .as_ref()
                .map_or((usize::MAX, u8::MAX), |cause| cause::rank(cause, &plan))
        };
        mismatches.sort_by_key(rank);
        return Verdict::Fail { mismatches };
    }
    shown.extend(resent(&scene));
    Verdict::Pass { shown }
}

/// The expectation in words, with the request's own id where it speaks of "the request".
fn wanted(expectation: &Expectation, evidence: &Evidence) -> String {
    match expectation {
        Expectation::NoStray => format!("no other trace of request {}", evidence.request_id),
        other => other.to_string(),
    }
}

/// A pass that would rest on nothing.
fn unfounded(scene: &Scene<'_>, expected: &[Expectation]) -> Option<Mismatch> {
    let (wanted, found) = if expected.is_empty() {
        (
            "at least one expectation",
            "nothing was expected, so nothing can be shown".to_owned(),
        )
    } else if scene.tree.is_none() && expected.iter().all(Expectation::is_negative) {
        (
            "something that can only hold when the request was recorded",
            scene.ways(),
        )
    } else {
        return None;
    };
    Some(Mismatch {
        expected: wanted.to_owned(),
        found,
        at: None,
        cause: None,
    })
}

/// Exact copies do no harm, but whoever sends them should know.
fn resent(scene: &Scene<'_>) -> Option<String> {
    let copies = scene.tree.as_ref().map_or(0, crate::tree::Tree::resent);
    let amount = match copies {
        0 => return None,
        1 => "1 exact copy".to_owned(),
        _ => format!("{copies} exact copies"),
    };
    Some(format!("{amount} of spans already delivered, counted once"))
}

#[cfg(test)]
pub(crate) mod tests;
