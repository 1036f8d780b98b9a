//! From judged cases to the outcome of a scenario or twin.

use std::time::Duration;

use trace::{Mismatch, Verdict};

use crate::report::model::Outcome;
use crate::scenario::Judged;
use crate::stage::Case;

/// One verdict for all cases: any `Fail` fails with every mismatch, else any `Inconclusive` leaves it open.
/// No case at all is a `Fail`: a scenario that asserts nothing proves nothing.
#[must_use]
pub fn combine(cases: &[Case]) -> Verdict {
    let mut mismatches: Vec<Mismatch> = Vec::new();
    let mut open: Option<(Duration, String)> = None;
    let mut shown = Vec::new();
    for case in cases {
        match &case.verdict {
            Verdict::Fail { mismatches: found } => mismatches.extend(found.iter().cloned()),
            Verdict::Inconclusive { waited, last } => {
                open.get_or_insert_with(|| (*waited, format!("{}: {last}", case.label)));
            }
            Verdict::Pass { shown: facts } => shown.extend(facts.iter().cloned()),
        }
    }
    if cases.is_empty() {
        mismatches.push(Mismatch {
            expected: "at least one judged case".to_owned(),
            found: "none".to_owned(),
            at: None,
            cause: None,
        });
    }
    match open {
        _ if !mismatches.is_empty() => Verdict::Fail { mismatches },
        Some((waited, last)) => Verdict::Inconclusive { waited, last },
        None => Verdict::Pass { shown },
    }
}

/// The outcome of a scenario that is not broken.
#[must_use]
pub fn of_scenario(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Pass { .. } => Outcome::Passed,
        Verdict::Fail { .. } => Outcome::Failed,
        Verdict::Inconclusive { .. } => Outcome::Inconclusive,
    }
}

/// The outcome of a twin: it passes when the judge said of it what must be said.
#[must_use]
pub fn of_twin(judged: Judged, verdict: &Verdict, cases: &[Case]) -> Outcome {
    let as_it_must = match (judged, verdict) {
        (Judged::Fails(kind), Verdict::Fail { mismatches }) => mismatches
            .iter()
            .filter_map(|mismatch| mismatch.cause.as_ref())
            .any(|cause| kind.is(cause)),
        (Judged::FailsWithoutCause, Verdict::Fail { .. }) | (Judged::Passes, Verdict::Pass { .. }) => true,
        (Judged::PassesAfter(least), Verdict::Pass { .. }) => cases.iter().any(|case| case.waited >= least),
        (_, Verdict::Inconclusive { .. }) => return Outcome::Inconclusive,
        _ => false,
    };
    if as_it_must {
        Outcome::Passed
    } else {
        Outcome::Failed
    }
}

/// What the judge must say of a twin, for people.
#[must_use]
pub fn describe(judged: Judged) -> String {
    match judged {
        Judged::Fails(kind) => format!("Fail, caused by {kind:?}"),
        Judged::FailsWithoutCause => "Fail".to_owned(),
        Judged::PassesAfter(least) => format!("Pass, not before {} ms", least.as_millis()),
        Judged::Passes => "Pass".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use trace::Cause;

    use super::*;
    use crate::scenario::CauseKind;

    fn case(verdict: Verdict, waited_ms: u64) -> Case {
        Case {
            label: "order".into(),
            verdict,
            evidence: None,
            waited: Duration::from_millis(waited_ms),
            standstill: None,
        }
    }

    fn pass() -> Verdict {
        Verdict::Pass {
            shown: vec!["a fact".into()],
        }
    }

    fn fail(cause: Option<Cause>) -> Verdict {
        Verdict::Fail {
            mismatches: vec![Mismatch {
                expected: "a".into(),
                found: "b".into(),
                at: None,
                cause,
            }],
        }
    }

    fn open() -> Verdict {
        Verdict::Inconclusive {
            waited: Duration::from_secs(5),
            last: "2 spans".into(),
        }
    }

    #[test]
    fn a_scenario_that_judged_nothing_fails() {
        assert!(matches!(combine(&[]), Verdict::Fail { .. }));
    }

    #[test]
    fn one_failing_case_outweighs_everything_else() {
        let verdict = combine(&[case(pass(), 1), case(open(), 1), case(fail(None), 1)]);
        assert_eq!(of_scenario(&verdict), Outcome::Failed);
        assert_eq!(
            of_scenario(&combine(&[case(pass(), 1), case(open(), 1)])),
            Outcome::Inconclusive
        );
        assert_eq!(of_scenario(&combine(&[case(pass(), 1)])), Outcome::Passed);
    }

    #[test]
    fn a_twin_must_fail_for_the_right_reason() {
        let twice = Cause::HandledTwice {
            process: trace::At::cluster("order-service"),
            times: 2,
        };
        let judge = |judged, verdict: Verdict| of_twin(judged, &verdict, &[case(verdict.clone(), 10)]);
        assert_eq!(
            judge(Judged::Fails(CauseKind::HandledTwice), fail(Some(twice.clone()))),
            Outcome::Passed
        );
        assert_eq!(
            judge(Judged::Fails(CauseKind::HeaderLost), fail(Some(twice))),
            Outcome::Failed
        );
        assert_eq!(
            judge(Judged::Fails(CauseKind::HeaderLost), fail(None)),
            Outcome::Failed
        );
        assert_eq!(
            judge(Judged::Fails(CauseKind::HeaderLost), pass()),
            Outcome::Failed
        );
        assert_eq!(
            judge(Judged::Fails(CauseKind::HeaderLost), open()),
            Outcome::Inconclusive
        );
    }

    #[test]
    fn a_delaying_twin_that_was_not_delayed_is_not_as_expected() {
        let judged = Judged::PassesAfter(Duration::from_secs(1));
        assert_eq!(of_twin(judged, &pass(), &[case(pass(), 1_500)]), Outcome::Passed);
        assert_eq!(of_twin(judged, &pass(), &[case(pass(), 20)]), Outcome::Failed);
    }
}
