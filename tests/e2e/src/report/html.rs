//! The HTML page of a run.

use super::model::RunReport;

/// The whole page, self-contained.
#[must_use]
pub fn page(report: &RunReport) -> String {
    maud::html! { h1 { "Run " (report.run) } }.into_string()
}
