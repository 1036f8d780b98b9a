//! The end of the page: steps, what was undone, and the files beside it.

use maud::{Markup, html};
use trace::words;

use super::sign;
use super::text::{href, millis, sentence};
use crate::report::model::RunReport;

/// Logs and evidence, steps, undo.
pub(super) fn sections(report: &RunReport) -> Markup {
    html! {
        @if !report.logs.is_empty() || !report.collected.is_empty() {
            section {
                h2 { "Logs and evidence" }
                ul.files {
                    @for log in &report.logs { li { a href=(href(log)) { (log.display()) } } }
                    @for file in &report.collected { li { a href=(href(&file.path)) { (file.what) } } }
                }
            }
        }
        section {
            h2 { "Steps" }
            @if report.steps.is_empty() { p { "No step was taken." } } @else { (steps(report)) }
        }
        @if !report.undo.is_empty() {
            section {
                h2 { "Undone" }
                ul.undo {
                    @for line in &report.undo {
                        li {
                            (sign(if line.error.is_some() { "bad" } else { "good" })) " " (sentence(&line.name))
                            @if let Some(error) = &line.error { ": " (error) }
                        }
                    }
                }
            }
        }
    }
}

fn steps(report: &RunReport) -> Markup {
    let failed = report.steps.iter().filter(|step| step.error.is_some()).count();
    html! {
        details open[failed > 0] {
            summary { (words::amount(report.steps.len(), "step")) ", " (failed) " failed" }
            div.wide tabindex="0" role="region" aria-label="Steps" {
                table.steps {
                    thead { tr { th scope="col" { "Step" } th.took scope="col" { "Took" } th scope="col" { "Result" } } }
                    tbody {
                        @for step in &report.steps {
                            tr {
                                th scope="row" { (sign(if step.error.is_some() { "bad" } else { "good" })) " " (sentence(&step.name)) }
                                td.took { (millis(step.took_ms)) }
                                td { (step.error.as_deref().or(step.detail.as_deref()).unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
        }
    }
}
