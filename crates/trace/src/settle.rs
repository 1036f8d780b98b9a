//! When to stop waiting for spans: the difference between late, lost and done.
//!
//! A trace has no end mark, so "no new span for a while" is only a guess, and a guess makes false verdicts. The processes
//! themselves know better: each counts the spans it started and those that the receiver acknowledged. When all of them are known
//! and none owes anything, the evidence is complete, and it is judged at once, for better or worse.
//! Only where a process gives no account is quietness taken for an answer, and then only in favour of what was expected,
//! until the deadline.
//!
//! No clock is read here: times are lengths since the request was answered, told by the caller.
//!
//! ```text
//! loop { accounts first, then the trace → Progress::observe → settle → Wait: again · else: conclude }
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::evidence::{Evidence, ExportAccount};
use crate::expect::{At, Expectation};
use crate::judge::judge;
use crate::verdict::{Cause, Verdict};
use crate::words;

/// How long things may take in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// After this long, counted from the answer, waiting ends one way or the other.
    pub deadline: Duration,
    /// So long without a new span counts as quiet.
    pub quiet: Duration,
    /// So long after its acknowledgement a span may still be invisible: zero where an acknowledgement means that it is stored
    /// (the embedded receiver, a Collector without a queue), the queue's delay where it is not.
    pub visible_within: Duration,
}

impl Default for Limits {
    /// 10 s, quiet after 300 ms, acknowledged means visible.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            quiet: Duration::from_millis(300),
            visible_within: Duration::ZERO,
        }
    }
}

/// What to do after a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Decision {
    /// Take another sample.
    Wait {
        /// What is still missing.
        because: String,
    },
    /// The evidence is as complete as it gets: judge it.
    Settled {
        /// Why that can be said.
        why: String,
    },
    /// The deadline passed and spans are still owed or arriving: nothing can be said.
    GaveUp {
        /// Who owes what.
        because: String,
    },
}

/// The samples so far, as far as they matter for the decision; the newest one is kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    evidence: Evidence,
    samples: u32,
    elapsed: Duration,
    last_news: Duration,
    delivered: Delivered,
    /// Since when nobody has owed a span, when nobody does.
    paid_since: Option<Duration>,
}

/// Enough to notice that a sample differs from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Delivered {
    spans: usize,
    stray_spans: usize,
}

impl Delivered {
    fn of(evidence: &Evidence) -> Self {
        Self {
            spans: evidence.trace.as_ref().map_or(0, |trace| trace.spans().len()),
            stray_spans: evidence.strays.iter().map(|stray| stray.spans().len()).sum(),
        }
    }
}

impl Progress {
    /// Starts with the first sample, taken `elapsed` after the answer.
    #[must_use]
    pub fn begin(elapsed: Duration, evidence: Evidence) -> Self {
        let delivered = Delivered::of(&evidence);
        let paid_since = debts(&evidence.accounts).is_none().then_some(elapsed);
        Self {
            evidence,
            samples: 1,
            elapsed,
            last_news: elapsed,
            delivered,
            paid_since,
        }
    }

    /// Adds a sample, taken `elapsed` after the answer. Its accounts must have been read before its trace.
    pub fn observe(&mut self, elapsed: Duration, evidence: Evidence) {
        let delivered = Delivered::of(&evidence);
        if delivered != self.delivered {
            self.last_news = elapsed;
        }
        self.paid_since = debts(&evidence.accounts)
            .is_none()
            .then(|| self.paid_since.unwrap_or(elapsed));
        self.delivered = delivered;
        self.elapsed = elapsed;
        self.samples += 1;
        self.evidence = evidence;
    }

    /// The newest sample.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The newest sample, for the report.
    #[must_use]
    pub fn into_evidence(self) -> Evidence {
        self.evidence
    }

    /// How many samples were taken.
    #[must_use]
    pub const fn samples(&self) -> u32 {
        self.samples
    }

    /// When the newest sample was taken, counted from the answer.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// For how long no sample has brought a new span.
    #[must_use]
    pub fn quiet(&self) -> Duration {
        self.elapsed.saturating_sub(self.last_news)
    }
}

/// Decides whether the newest sample can be judged.
#[must_use]
pub fn settle(progress: &Progress, expected: &[Expectation], limits: &Limits) -> Decision {
    let evidence = progress.evidence();
    let late = progress.elapsed >= limits.deadline;
    if let Some(because) = debts(&evidence.accounts) {
        return if late {
            Decision::GaveUp { because }
        } else {
            Decision::Wait { because }
        };
    }

    let verdict = judge(evidence, expected);
    let unknown = without_account(evidence, &verdict);
    let visible = progress.paid_since.is_some_and(|since| {
        progress.elapsed.saturating_sub(since) >= limits.visible_within
            && (limits.visible_within.is_zero() || progress.quiet() >= limits.quiet)
    });
    if unknown.is_empty() && visible {
        return Decision::Settled {
            why: "every process has delivered all spans it started".to_owned(),
        };
    }

    let quiet = progress.samples > 1 && progress.quiet() >= limits.quiet;
    let whom = words::some(&unknown, 4);
    if quiet && verdict.is_pass() {
        let quiet = words::duration(progress.quiet());
        return Decision::Settled {
            why: format!("everything expected is there and nothing more came for {quiet}"),
        };
    }
    if late {
        return if quiet {
            let quiet = words::duration(progress.quiet());
            let why = if unknown.is_empty() {
                format!("nothing more came for {quiet} and nobody owes a span")
            } else {
                format!(
                    "nothing more came for {quiet}, nobody owes a span, and there is no account from {whom}"
                )
            };
            Decision::Settled { why }
        } else {
            Decision::GaveUp {
                because: "spans were still arriving".to_owned(),
            }
        };
    }
    let because = match verdict.mismatches().first() {
        Some(mismatch) if unknown.is_empty() => {
            format!(
                "acknowledged spans may not be visible yet; so far: {}",
                mismatch.found
            )
        }
        Some(mismatch) => format!("no account from {whom}; so far: {}", mismatch.found),
        None => format!(
            "a moment of quiet, to see that nothing more comes ({})",
            words::duration(limits.quiet)
        ),
    };
    Decision::Wait { because }
}

/// The final verdict: the judgement of settled evidence, or [`Verdict::Inconclusive`] when it never settled.
#[must_use]
pub fn conclude(progress: &Progress, expected: &[Expectation], decision: &Decision) -> Verdict {
    match decision {
        Decision::Settled { .. } => judge(progress.evidence(), expected),
        Decision::GaveUp { because } | Decision::Wait { because } => Verdict::Inconclusive {
            waited: progress.elapsed,
            last: because.clone(),
        },
    }
}

/// Who still owes spans, in words; `None` when nobody does. As long as somebody does and the deadline has not passed,
/// [`settle`] waits whatever the trace shows: a sample without a trace would say no less.
#[must_use]
pub fn debts(accounts: &[ExportAccount]) -> Option<String> {
    let owed = owed(accounts);
    (!owed.is_empty()).then(|| format!("{} not yet delivered", words::some(&owed, 4)))
}

/// `3 spans of order-service@workstation`, for everybody who still owes some.
fn owed(accounts: &[ExportAccount]) -> Vec<String> {
    let mut debts: BTreeMap<At, u64> = BTreeMap::new();
    for account in accounts {
        let debt = debts.entry(account.place()).or_default();
        *debt = debt.saturating_add(account.owes());
    }
    debts.retain(|_, spans| *spans > 0);
    let debts = debts.into_iter();
    debts
        .map(|(place, spans)| {
            format!(
                "{} of {place}",
                words::amount(usize::try_from(spans).unwrap_or(usize::MAX), "span")
            )
        })
        .collect()
}

/// Who took part, as far as the evidence shows, and gives no account.
fn without_account(evidence: &Evidence, verdict: &Verdict) -> Vec<At> {
    let spans = evidence
        .trace
        .iter()
        .chain(&evidence.strays)
        .flat_map(|trace| trace.spans());
    let mut unknown: Vec<At> = Vec::new();
    let mut note = |place: At| {
        let known = evidence
            .accounts
            .iter()
            .any(|account| place.covers(&account.service, Some(account.site)));
        let named = |other: &At| *other == place || place.site.is_none() && other.service == place.service;
        if !known && !unknown.iter().any(named) {
            unknown.push(place);
        }
    };
    let mut seen: Option<(&crate::span::ServiceName, Option<crate::site::Site>)> = None;
    for span in spans {
        let place = (span.service(), span.site());
        if seen != Some(place) {
            seen = Some(place);
            note(At {
                service: span.service().clone(),
                site: span.site(),
            });
        }
    }
    for mismatch in verdict.mismatches() {
        if let Some(Cause::Silent { process }) = &mismatch.cause {
            note(process.clone());
        }
    }
    unknown
}

#[cfg(test)]
mod tests;
