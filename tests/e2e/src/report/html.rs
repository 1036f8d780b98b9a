//! The HTML page of a run: one file, nothing to load, nothing to execute.
//!
//! Whoever opens it sees at once whether the run was as expected and, when it was not, what was expected, what was found and why.
//! Below that every scenario with its twins, what was judged, and every trace as a waterfall.

mod files;
mod group;
mod overview;
mod scenario;
mod text;
mod verdict;
mod waterfall;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use trace::words;

use super::model::{Outcome, RunReport};
use group::Group;

pub(crate) const STYLE: &str = include_str!("html/style.css");

/// The page allows itself its own style and nothing else: no script, no font, no picture, no request.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page, self-contained.
#[must_use]
pub fn page(report: &RunReport) -> String {
    let groups = group::groups(&report.scenarios);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (mark(report).1) " · run " (report.run) " · " (report.environment) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @if !groups.is_empty() { a.skip href="#scenarios" { "Skip to the scenarios" } }
                header.run { (header(report)) }
                main {
                    (overview::trouble(report))
                    (overview::index(&groups))
                    @if !groups.is_empty() { (scenarios(&groups)) }
                    (files::sections(report))
                }
                footer { (footer(report)) }
            }
        }
    }
    .into_string()
}

/// How the run ended: the style of its mark, and the words beside it.
fn mark(report: &RunReport) -> (&'static str, String) {
    let counts = report.counts;
    let played = counts.passed + counts.failed + counts.inconclusive;
    if counts.failed > 0 {
        (
            "bad",
            format!(
                "{} of {played} not as expected",
                counts.failed + counts.inconclusive
            ),
        )
    } else if counts.inconclusive > 0 {
        (
            "open",
            format!("{} of {played} inconclusive", counts.inconclusive),
        )
    } else if report.exit_code != 0 {
        (
            "bad",
            if report.exit_meaning.is_empty() {
                "ended with an error".to_owned()
            } else {
                report.exit_meaning.to_owned()
            },
        )
    } else if played == 0 {
        ("open", "nothing was played".to_owned())
    } else {
        ("good", format!("{played} of {played} as expected"))
    }
}

fn header(report: &RunReport) -> Markup {
    let (style, words) = mark(report);
    html! {
        p.brand { "Throughline" }
        h1 class=(style) { (sign(style)) " " (words) }
        dl.facts {
            div { dt { "run" } dd { code { (report.run) } } }
            div { dt { "environment" } dd { (report.environment) } }
            div { dt { "began" } dd { time datetime=(report.started_at) { (text::when(&report.started_at)) } } }
            div { dt { "took" } dd { (text::millis(report.took_ms)) } }
            div { dt { "exit code" } dd { (report.exit_code) @if !report.exit_meaning.is_empty() { " (" (report.exit_meaning) ")" } } }
        }
        @if let Some(chosen) = &report.chosen { p { (chosen) } }
        @if let Some(limits) = &report.cannot_prove {
            p.limits role="note" { strong { "Not proven here: " } (limits.trim_start_matches("nothing here proves ")) }
        }
        @if !report.scenarios.is_empty() {
            (counts(report))
            (legend())
        }
    }
}

fn counts(report: &RunReport) -> Markup {
    let counts = report.counts;
    let twins = report.scenarios.iter().filter(|one| one.twin.is_some()).count();
    let tiles = [
        ("good", counts.passed, "as expected"),
        ("bad", counts.failed, "not as expected"),
        ("open", counts.inconclusive, "inconclusive"),
        ("none", counts.skipped, "skipped"),
    ];
    html! {
        ul.counts aria-label="How many of what" {
            @for (style, count, words) in tiles {
                @if count > 0 || style == "good" {
                    li class=(style) { strong { (count) } " " (words) }
                }
            }
            li.none { (words::amount(report.scenarios.len() - twins, "scenario")) ", " (words::amount(twins, "twin")) }
        }
    }
}

/// What the colours mean. Bars differ in their pattern too, and every place is written out.
fn legend() -> Markup {
    html! {
        p.legend {
            @for (class, words) in [("c", "cluster"), ("w", "workstation"), ("u", "unknown site"), ("e", "error")] {
                span.item { span.key.(class) {} " " (words) } " "
            }
        }
    }
}

fn scenarios(groups: &[Group<'_>]) -> Markup {
    html! {
        section #scenarios {
            h2 { "Scenarios" }
            p.hint { "A twin is its scenario with one thing broken on purpose. It is as expected when the judge says so." }
            @for group in groups { (scenario::section(group)) }
        }
    }
}

fn footer(report: &RunReport) -> Markup {
    let failed = report
        .scenarios
        .iter()
        .find(|one| matches!(one.outcome, Outcome::Failed | Outcome::Inconclusive));
    html! {
        @if let Some(failed) = failed {
            p { "Look closer with " code { "cargo xtask e2e --scenario " (failed.name) " --keep" } }
        }
        p { "Run " code { (report.run) } ", written when it was over. The same as data: " a href="report.json" { "report.json" } "." }
    }
}

/// A sign for each style, so that nothing is told by colour alone.
fn sign(style: &str) -> Markup {
    let sign = match style {
        "good" => "✓",
        "bad" => "✗",
        "open" => "?",
        _ => "–",
    };
    html! { span.sign aria-hidden="true" { (sign) } }
}

#[cfg(test)]
mod tests;
