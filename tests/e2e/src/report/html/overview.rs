//! The top of the page: what went wrong, and the list of everything that was played.

use maud::{Markup, html};

use super::group::{Group, outcome, title};
use super::text::{millis, plain, sentence};
use super::{sign, verdict};
use crate::report::anchor;
use crate::report::model::{Outcome, RunReport, ScenarioReport};

/// Everything that is not as it should be, the first thing to read. Nothing when all is well.
pub(super) fn trouble(report: &RunReport) -> Markup {
    let bad = report
        .scenarios
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::Failed | Outcome::Inconclusive));
    let troubles = troubles(bad);
    let steps: Vec<_> = report.steps.iter().filter(|step| step.error.is_some()).collect();
    let left: Vec<_> = report.undo.iter().filter(|line| line.error.is_some()).collect();
    let said = report.errors.len() + report.warnings.len();
    if troubles.is_empty() && steps.is_empty() && left.is_empty() && said == 0 {
        return Markup::default();
    }
    html! {
        section.trouble {
            h2 { "What to look at" }
            @for error in &report.errors { p { (sign("bad")) " " (error) } }
            @for trouble in troubles { (told(&trouble)) }
            @for step in steps {
                p { (sign("bad")) " step " strong { (step.name) } ": " (step.error.as_deref().unwrap_or_default()) }
            }
            @for line in left {
                p { (sign("bad")) " not undone: " strong { (line.name) } ": " (line.error.as_deref().unwrap_or_default()) }
            }
            @for warning in &report.warnings { p { (sign("open")) " " (warning) } }
        }
    }
}

/// Scenarios and twins that are not as expected for one and the same reason.
struct Trouble<'r> {
    reason: String,
    of: Vec<&'r ScenarioReport>,
}

fn troubles<'r>(bad: impl Iterator<Item = &'r ScenarioReport>) -> Vec<Trouble<'r>> {
    let mut troubles: Vec<Trouble<'r>> = Vec::new();
    for one in bad {
        let reason = reason(one);
        match troubles.iter_mut().find(|trouble| trouble.reason == reason) {
            Some(trouble) => trouble.of.push(one),
            None => troubles.push(Trouble {
                reason,
                of: vec![one],
            }),
        }
    }
    troubles
}

fn reason(report: &ScenarioReport) -> String {
    match (&report.error, &report.verdict) {
        (Some(error), _) => error.clone(),
        (None, Some(verdict)) => verdict
            .primary_cause()
            .map(trace::Cause::in_general)
            .or_else(|| verdict::gist(verdict))
            .unwrap_or_else(|| format!("judged {} although it must not be", verdict.word())),
        (None, None) => "not judged".to_owned(),
    }
}

fn told(trouble: &Trouble<'_>) -> Markup {
    let first = trouble
        .of
        .first()
        .and_then(|one| one.verdict.as_ref()?.mismatches().first());
    html! {
        article {
            h3 { (sentence(&trouble.reason)) }
            @if let Some(first) = first {
                dl.finding {
                    dt { "expected" } dd { (sentence(&first.expected)) }
                    dt { "found" } dd { (sentence(&first.found)) }
                }
            }
            ul {
                @for one in &trouble.of {
                    li {
                        (sign(outcome(one).0)) " " a href={ "#" (anchor(&one.name, one.round)) } { (full_title(one)) }
                        @if let Some(twin) = &one.twin { span.hint { ", must be judged " (plain(&twin.must_be_judged)) } }
                    }
                }
            }
        }
    }
}

/// Why a scenario or twin is not as expected, as far as its cases do not tell.
pub(super) fn why(report: &ScenarioReport) -> Markup {
    html! {
        @if let Some(error) = &report.error {
            dl.finding { dt { "stopped" } dd { (sentence(error)) } }
        }
        @if let (Some(twin), Some(verdict)) = (&report.twin, &report.verdict) {
            dl.finding {
                dt { "must be" } dd { (plain(&twin.must_be_judged)) }
                dt { "judged" } dd { (verdict.word()) @if let Some(gist) = verdict::gist(verdict) { ": " (sentence(&gist)) } }
            }
        } @else if let (true, Some(verdict)) = (report.cases.is_empty(), &report.verdict) {
            (verdict::full(verdict))
        }
    }
}

/// All scenarios and twins with their outcome, each a link to its place on the page.
pub(super) fn index(groups: &[Group<'_>]) -> Markup {
    html! {
        nav aria-label="Scenarios and twins" {
            h2 { "Overview" }
            @if groups.is_empty() { p { "Nothing was played." } } @else {
                table.index {
                    thead { tr { th scope="col" { "Outcome" } th scope="col" { "Scenario or twin" } th.took scope="col" { "Time" } } }
                    @for group in groups {
                        tbody {
                            @if group.itself.is_none() {
                                tr { td {} th scope="row" { (group.name.replace('_', " ")) span.said { "only its twins were played" } } td {} }
                            }
                            @for one in group.itself.iter().chain(&group.twins) { (line(one)) }
                        }
                    }
                }
            }
        }
    }
}

fn line(report: &ScenarioReport) -> Markup {
    let (style, words) = outcome(report);
    let said = match (&report.outcome, &report.verdict) {
        (Outcome::Skipped { reason }, _) => Some(reason.clone()),
        (_, Some(verdict)) => verdict::gist(verdict).map(|gist| format!("judged {}: {gist}", verdict.word())),
        (_, None) => report.error.clone(),
    };
    html! {
        tr.twin[report.twin.is_some()] {
            td class=(style) { (sign(style)) span.word { " " (words) } }
            th scope="row" {
                a href={ "#" (anchor(&report.name, report.round)) } { (title(report)) }
                @if report.round > 1 { " (round " (report.round) ")" }
                @if let Some(said) = said { span.said { (sentence(&said)) } }
            }
            td.took { @if report.outcome.was_played() { (millis(report.took_ms)) } }
        }
    }
}

fn full_title(report: &ScenarioReport) -> String {
    match &report.twin {
        Some(twin) => format!("{}: {}", twin.of.replace('_', " "), title(report)),
        None => title(report),
    }
}
