//! What the judge said: for each cause once what was expected, what was found, why, and what follows from it.

use maud::{Markup, html};
use trace::verdict::Finding;
use trace::{Verdict, words};

use super::text::sentence;

/// A verdict in full.
pub(super) fn full(verdict: &Verdict) -> Markup {
    match verdict {
        Verdict::Pass { shown } => html! {
            details.shown {
                summary { "Shown: " (words::amount(shown.len(), "fact")) }
                ul { @for fact in shown { li { (sentence(fact)) } } }
            }
        },
        Verdict::Fail { .. } => html! {
            @for finding in verdict.findings() { (found(&finding)) }
        },
        Verdict::Inconclusive { waited, last } => html! {
            dl.finding {
                dt { "missing" } dd { (sentence(last)) }
                dt { "waited" } dd { (words::duration(*waited)) }
            }
        },
    }
}

/// The one sentence to remember of a verdict, without what belongs to a single request.
pub(super) fn gist(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Pass { .. } => None,
        Verdict::Fail { mismatches } => {
            let first = mismatches.first()?;
            let cause = verdict.primary_cause().map(trace::Cause::in_general);
            Some(cause.unwrap_or_else(|| format!("expected {}, found {}", first.expected, first.found)))
        }
        Verdict::Inconclusive { last, .. } => Some(last.clone()),
    }
}

fn found(finding: &Finding<'_>) -> Markup {
    let (first, rest) = match finding.mismatches.split_first() {
        Some((first, rest)) => (first, rest),
        None => return Markup::default(),
    };
    html! {
        dl.finding {
            dt { "expected" } dd { (sentence(&first.expected)) }
            dt { "found" } dd { (sentence(&first.found)) }
            @if let Some(cause) = finding.cause { dt { "cause" } dd.cause { (sentence(&cause.to_string())) } }
        }
        @if !rest.is_empty() {
            details.also {
                summary { (rest.len()) @if finding.cause.is_some() { " more for the same cause" } @else { " more" } }
                @for mismatch in rest {
                    dl.finding {
                        dt { "expected" } dd { (sentence(&mismatch.expected)) }
                        dt { "found" } dd { (sentence(&mismatch.found)) }
                    }
                }
            }
        }
    }
}
