//! The comparison as an HTML page: one file, nothing to load, nothing to execute.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{NOT_ASKED, amounts, closing, gist, name, sides, word};
use crate::parity::{Compared, Parity, What};
use crate::report::html::{POLICY, STYLE};

/// Colours of a diff, on top of the style of a run's page.
const DIFF: &str = "pre.diff { overflow-x: auto; padding: .5rem .75rem; background: var(--card); \
                    border: 1px solid var(--line); border-radius: 6px; } \
                    .here { color: var(--bad); } .there { color: var(--good); }";

pub(super) fn page(parity: &Parity) -> String {
    let (same, different): (Vec<_>, Vec<_>) =
        parity.compared.iter().partition(|one| one.differences.is_empty());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "Parity of " (sides(parity)) }
                style { (PreEscaped(STYLE)) (PreEscaped(DIFF)) }
            }
            body {
                header.run {
                    p.brand { "Throughline" }
                    h1.(if parity.holds() { "good" } else { "bad" }) {
                        @if parity.holds() { "The same" } @else { "Not the same" }
                    }
                    p { (sides(parity)) }
                    p { (closing(parity)) }
                    p.about {
                        "Lines with − are of " (parity.left.environment) " alone, lines with + of "
                        (parity.right.environment) " alone."
                    }
                }
                main {
                    @for one in different { (scenario(one)) }
                    @if !parity.stale.is_empty() {
                        h2 { "Known differences that do not show any more" }
                        ul { @for one in &parity.stale { li { code { (one.scenario) } ": " (one.reason) } } }
                    }
                    @if !same.is_empty() {
                        h2 { "The same" }
                        table { @for one in same { tr { th scope="row" { (name(one)) } td.n { (amounts(one)) } } } }
                    }
                    @if !parity.only.is_empty() {
                        h2 { "Played on one side only" }
                        table {
                            @for one in &parity.only {
                                tr {
                                    th scope="row" { (one.scenario) }
                                    td { (one.in_environment) }
                                    td { (one.reason.as_deref().unwrap_or(NOT_ASKED)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

fn scenario(one: &Compared) -> Markup {
    html! {
        section.(if one.agrees() { "open" } else { "bad" }) {
            h2 { (word(one)) " " (name(one)) }
            @for difference in &one.differences {
                p {
                    @if let Some(case) = &difference.case { strong { (case) } ": " }
                    (gist(&difference.what))
                }
                @if let Some(reason) = &difference.known { p.about { "Known: " (reason) } }
                @if let What::Shape { diff } = &difference.what {
                    pre.diff { @for line in diff.lines() { span.(class(line)) { (line) "\n" } } }
                }
            }
        }
    }
}

fn class(line: &str) -> &'static str {
    match line.as_bytes().first() {
        Some(b'-') => "here",
        Some(b'+') => "there",
        _ => "both",
    }
}
