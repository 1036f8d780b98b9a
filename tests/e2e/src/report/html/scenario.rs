//! One scenario with its twins: what it is about, who answered, what was judged, and the traces it was judged on.

use std::collections::BTreeSet;

use maud::{Markup, html};
use trace::{Answer, ExportAccount, SpanId, words};

use super::group::{Group, outcome, title};
use super::text::{href, millis, plain, sentence, site_class};
use super::{overview, sign, verdict, waterfall};
use crate::proof::Proof;
use crate::report::anchor;
use crate::report::model::{CaseReport, Outcome, PictureReport, RequestReport, ScenarioReport};

/// Cases shown open; further ones of the same verdict wait behind a summary.
const OPEN_CASES: usize = 3;

/// A scenario and its twins.
pub(super) fn section(group: &Group<'_>) -> Markup {
    html! {
        section.scenario {
            @match group.itself {
                Some(itself) => (article(itself)),
                None => h3 { (group.name.replace('_', " ")) },
            }
            @for twin in &group.twins { (article(twin)) }
        }
    }
}

fn article(report: &ScenarioReport) -> Markup {
    let (style, said) = outcome(report);
    let heading = html! {
        (sign(style)) " "
        @if report.twin.is_some() { span.kind { "twin" } " " }
        (title(report))
        @if report.round > 1 { " (round " (report.round) ")" }
        " " span.outcome { (said) @if report.outcome.was_played() { ", " (millis(report.took_ms)) } }
    };
    html! {
        article.(style).twin[report.twin.is_some()] id=(anchor(&report.name, report.round)) {
            @if report.twin.is_some() { h4 { (heading) } } @else { h3 { (heading) } }
            @match &report.twin {
                None => p.about { (sentence(&report.about)) },
                Some(twin) => p.about { "Broken on purpose: " (sentence(&twin.fault)) ". Must be judged " strong { (plain(&twin.must_be_judged)) } "." },
            }
            @if let Outcome::Skipped { reason } = &report.outcome { p { "Skipped: " (reason) } }
            @if style == "bad" || style == "open" { (overview::why(report)) }
            @for recovery in &report.recoveries { p.recovery { strong { "Recovered" } " " (sentence(&recovery.to_string())) "." } }
            @if !report.proofs.is_empty() { (proofs(&report.proofs)) }
            (cases(&report.cases))
        }
    }
}

fn proofs(proofs: &[Proof]) -> Markup {
    html! {
        details.proofs {
            summary { "Proven with nonces: " (words::amount(proofs.len(), "claim")) }
            ul {
                @for proof in proofs {
                    li { (sentence(&proof.claim)) ": " (sentence(&proof.answered_by)) " answered " code { (proof.nonces.join(", ")) } }
                }
            }
        }
    }
}

fn cases(all: &[CaseReport]) -> Markup {
    let judged = ["fail", "inconclusive", "pass"];
    let by_word = |word: &str| {
        all.iter()
            .filter(|case| case.verdict.word() == word)
            .collect::<Vec<_>>()
    };
    html! {
        // Judged alike, they stay in the order of the scenario, and what failed comes first.
        @for cases in judged.map(by_word) {
            @let (first, rest) = cases.split_at(cases.len().min(OPEN_CASES));
            @for one in first { (case(one)) }
            @if let Some(next) = rest.first() {
                details.more {
                    summary { (rest.len()) " more judged " (next.verdict.word()) }
                    @for one in rest { (case(one)) }
                }
            }
        }
    }
}

fn case(case: &CaseReport) -> Markup {
    let marked: BTreeSet<SpanId> = case
        .verdict
        .mismatches()
        .iter()
        .filter_map(|mismatch| mismatch.at)
        .collect();
    html! {
        div.case {
            p.label {
                strong { (case.label) } " judged " strong { (case.verdict.word()) }
                // A fact was there already: nothing was waited for.
                @if case.waited_ms > 0.0 { " after " (millis(case.waited_ms)) }
                @if let Some(request) = &case.request { (answered(request)) }
            }
            (verdict::full(&case.verdict))
            @if let Some(picture) = &case.picture { (drawn(picture, case, &marked)) }
            @if let Some(request) = &case.request { @if !case.verdict.is_pass() { (accounts(&request.accounts)) } }
        }
    }
}

fn answered(request: &RequestReport) -> Markup {
    html! {
        ". Request " code { (request.request_id) } " was answered "
        @match &request.answer {
            Answer::Response { status, .. } => strong { (status) },
            Answer::Failed(error) => { "not at all: " (error) },
        }
    }
}

fn drawn(picture: &PictureReport, case: &CaseReport, marked: &BTreeSet<SpanId>) -> Markup {
    let trace = case.request.as_ref().map(|request| request.trace_id.to_string());
    html! {
        figure {
            // A failed case has told where the request went.
            @if case.verdict.is_pass() { figcaption { (sentence(&picture.path)) } }
            (waterfall::table(&picture.waterfall, marked, picture.pause.as_ref()))
        }
        details.source {
            summary { "As text, as Mermaid, in Jaeger" }
            pre tabindex="0" aria-label="The trace as a text tree" { (picture.text) }
            pre tabindex="0" aria-label="The trace as a Mermaid sequence diagram" { (picture.mermaid) }
            p {
                "Files: " a href=(href(&picture.file.with_extension("txt"))) { "text" } ", "
                a href=(href(&picture.file.with_extension("mmd"))) { "Mermaid" }
                ". While the environment is up: " a href=(web(&picture.jaeger_url)) { "trace " (trace.as_deref().unwrap_or("in Jaeger")) }
            }
        }
    }
}

/// What the processes said of their spans: late, lost and refused are told apart by these numbers.
fn accounts(accounts: &[ExportAccount]) -> Markup {
    html! {
        @if !accounts.is_empty() {
            details.accounts {
                summary { "What the processes say of their spans" }
                div.wide tabindex="0" role="region" aria-label="Export accounts" {
                    table {
                        thead { tr {
                            th scope="col" { "Process" } th scope="col" { "Version" } th.n scope="col" { "Started" }
                            th.n scope="col" { "Delivered" } th.n scope="col" { "Given up" } th.n scope="col" { "Pending" } th scope="col" { "Exporter" }
                        } }
                        tbody { @for account in accounts { tr {
                            th scope="row" { span.at.(site_class(Some(account.site))) { (account.place()) } " pid " (account.pid) }
                            td { (account.version) } td.n { (account.started) } td.n { (account.exported) }
                            td.n { (account.failed) } td.n { (account.pending()) }
                            td { (account.exporter) @if let Some(error) = &account.last_error { br; (error) } }
                        } } }
                    }
                }
            }
        }
    }
}

/// Only links that a browser opens as pages.
fn web(url: &str) -> &str {
    if url.starts_with("http://") || url.starts_with("https://") {
        url
    } else {
        "#"
    }
}
