//! What a run tells: the console and JSON lines while it runs, files when it is over. All of them consume events.

pub mod console;
mod files;
mod github;
pub mod html;
mod junit;
pub mod model;
pub mod narrator;
pub mod pipeline;
#[cfg(test)]
pub(crate) mod recorded;
mod reporter;
mod telling;

use std::collections::BTreeSet;
use std::path::PathBuf;

use jaeger_api::JaegerClient;
use trace::render::{self, MermaidOptions, TextOptions};
use trace::{Evidence, Shape, Trace, TraceId};

use crate::breakpoint::Standstill;
use crate::parity;
use crate::stage::Case;

pub use files::{Outside, WriteError};
pub use reporter::{Outlets, Reporter, Written};

use model::{CaseReport, PauseReport, PictureReport, RequestReport};

/// The HTML page's name in the run directory.
pub const PAGE: &str = "report.html";

/// The name of the JUnit report in the run directory.
pub const JUNIT: &str = "junit.xml";

/// The name of the summary in Markdown in the run directory.
pub const SUMMARY: &str = "summary.md";

/// The anchor of a scenario or twin on the HTML page.
#[must_use]
pub fn anchor(name: &str, round: u32) -> String {
    let name = name.replace('/', ".");
    if round > 1 {
        format!("{name}.{round}")
    } else {
        name
    }
}

/// Spans drawn of one picture at most: a page of many traces stays readable and small.
const MOST_ROWS: usize = 200;

/// Cases in the form of the report. A trace is drawn once per scenario, with the first case that was judged on it; and once
/// more as it was while a span of it was open.
#[must_use]
pub fn cases(scenario: &str, jaeger: &JaegerClient, cases: Vec<Case>) -> Vec<CaseReport> {
    let mut seen = BTreeSet::new();
    cases
        .into_iter()
        .map(|case| CaseReport {
            label: case.label,
            verdict: case.verdict,
            waited_ms: case.waited.as_secs_f64() * 1e3,
            shape: case
                .evidence
                .as_ref()
                .map(|evidence| Shape::of(evidence, parity::ATTRIBUTES)),
            picture: case
                .evidence
                .as_ref()
                .filter(|evidence| seen.insert((evidence.trace_id, is_open(evidence))))
                .and_then(|evidence| draw(scenario, jaeger, evidence, case.standstill.as_ref())),
            request: case.evidence.map(|evidence| RequestReport {
                request_id: evidence.request_id,
                trace_id: evidence.trace_id,
                answer: evidence.answer,
                accounts: evidence.accounts,
            }),
        })
        .collect()
}

fn is_open(evidence: &Evidence) -> bool {
    let mut spans = evidence.trace.iter().flat_map(Trace::spans);
    spans.any(trace::Span::is_pending)
}

fn draw(
    scenario: &str,
    jaeger: &JaegerClient,
    evidence: &Evidence,
    stood: Option<&Standstill>,
) -> Option<PictureReport> {
    let traces: Vec<TraceId> = evidence
        .trace
        .iter()
        .chain(&evidence.strays)
        .map(Trace::id)
        .collect();
    if traces.is_empty() {
        return None;
    }
    let ours = evidence.trace_id;
    let then = if is_open(evidence) { "-open" } else { "" };
    let name = format!("{}-{}{then}", scenario.replace('/', "."), &ours.to_string()[..8]);
    let waterfall = render::waterfall(evidence, MOST_ROWS);
    Some(PictureReport {
        traces,
        jaeger_url: jaeger.trace_url(ours),
        path: render::path(evidence),
        text: render::text(
            evidence,
            &TextOptions {
                rows: MOST_ROWS,
                ..TextOptions::default()
            },
        ),
        mermaid: render::mermaid(evidence, &MermaidOptions::default()),
        pause: stood.and_then(|stood| PauseReport::on(&waterfall, stood)),
        waterfall,
        file: PathBuf::from("traces").join(name),
    })
}
