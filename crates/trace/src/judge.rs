//! Judges the evidence of one request against what is expected of it. A pure function, and the heart of the project.

mod check;
mod scene;

use crate::evidence::Evidence;
use crate::expect::Expectation;
use crate::verdict::{Mismatch, Verdict};
use scene::Scene;

/// Judges settled evidence: [`Verdict::Pass`] when every expectation holds, else [`Verdict::Fail`] with all that do not.
///
/// Whether the evidence is settled is [`settle`](crate::settle()) 's business. Expecting nothing is a failure: a
/// green result that checked nothing is worse than a red one.
#[must_use]
pub fn judge(evidence: &Evidence, expected: &[Expectation]) -> Verdict {
    let scene = Scene::new(evidence);
    let mut shown = Vec::new();
    let mut mismatches = Vec::new();
    if expected.is_empty() {
        mismatches.push(Mismatch {
            expected: "at least one expectation".to_owned(),
            found: "nothing was expected".to_owned(),
            at: None,
            cause: None,
        });
    }
    for expectation in expected {
        match check::check(expectation, &scene) {
            Ok(line) => shown.push(line),
            Err(miss) => mismatches.push(Mismatch {
                expected: expectation.to_string(),
                found: miss.found,
                at: miss.at,
                cause: None,
            }),
        }
    }
    if mismatches.is_empty() {
        Verdict::Pass { shown }
    } else {
        Verdict::Fail { mismatches }
    }
}
