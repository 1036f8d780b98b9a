//! A trace as bars on a time axis, coloured and patterned by site. A real table: read aloud, it is a list of spans with their times.

use std::collections::BTreeSet;
use std::time::Duration;

use maud::{Markup, html};
use trace::render::{Row, Section, Waterfall};
use trace::{ServiceName, Site, SpanId, SpanKind, words};

use super::text::site_class;
use crate::report::model::PauseReport;

/// Deeper spans are not indented further: on a narrow screen nothing would be left for their names.
const DEEPEST: usize = 12;

/// Draws a waterfall. `marked` are the spans that a mismatch points at, `pause` is where the request stood meanwhile.
pub(super) fn table(waterfall: &Waterfall, marked: &BTreeSet<SpanId>, pause: Option<&PauseReport>) -> Markup {
    html! {
        table.waterfall {
            thead { tr {
                th scope="col" { "Span" }
                th.axis scope="col" { (axis(waterfall.total)) }
                th.took scope="col" { "Took" }
            } }
            @if let Some(pause) = pause { tbody { (standstill(pause)) } }
            @for section in &waterfall.sections { tbody.stray[section.stray] { (rows(section, marked)) } }
        }
        @if waterfall.hidden > 0 {
            p.hint { (waterfall.hidden) " more spans are not drawn; the text file has the first thousand." }
        }
    }
}

fn axis(total: Duration) -> Markup {
    html! {
        @for quarter in 0..=4u32 {
            span style={ "left:" (quarter * 25) "%" } { (if quarter == 0 { "0".to_owned() } else { words::duration(total * quarter / 4) }) }
        }
    }
}

fn rows(section: &Section, marked: &BTreeSet<SpanId>) -> Markup {
    // The place of the nearest row above at each depth, to tell where a request changes its place.
    let mut above: Vec<(&ServiceName, Option<Site>)> = Vec::new();
    html! {
        @if section.stray {
            tr.part { th colspan="3" scope="rowgroup" { "Stray trace " code { (section.trace.short()) } ", the same request" } }
        }
        @for row in &section.rows {
            @let place = (&row.service, row.site);
            @let moved = row.depth == 0 || above.get(row.depth - 1) != Some(&place);
            @let () = { above.truncate(row.depth); above.resize(row.depth, place); above.push(place); };
            @if let Some(parent) = row.missing_parent {
                tr.part { th colspan="3" scope="rowgroup" { "Orphan: its parent " code { (parent) } " is missing" } }
            }
            @if row.circle {
                tr.part { th colspan="3" scope="rowgroup" { "Among its own ancestors" } }
            }
            (line(row, moved, marked.contains(&row.span)))
        }
    }
}

fn line(row: &Row, moved: bool, marked: bool) -> Markup {
    let site = site_class(row.site);
    html! {
        tr.marked[marked] {
            th scope="row" style={ "--d:" (row.depth.min(DEEPEST)) } {
                @if moved { span.at.(site) { (row.service) "@" (row.site.map_or("?", Site::as_str)) } " " }
                (if row.name.trim().is_empty() { "(no name)" } else { &row.name })
                @if let Some(kind) = kind(row.kind) { " " span.kind { (kind) } }
                @if row.open { " " span.kind { "open" } }
                @if row.copies > 1 { " " span.kind { "sent " (row.copies) " times" } }
                @if let Some(error) = &row.error { " " span.error { "✗ " (error) } }
                @if marked { " " span.mark { "◂ here" } }
            }
            td.track {
                span.bar.(site).open[row.open].error[row.error.is_some()] style={ "left:" (percent(row.offset)) "%;width:" (percent(row.width)) "%" } {}
                span.aloud { "after " (words::duration(row.after)) }
            }
            td.took { @if row.open { "open" } @else { (words::duration(row.took)) } }
        }
    }
}

/// Above the spans, so that the eye goes down from it to those that are as long.
fn standstill(pause: &PauseReport) -> Markup {
    let time = |ms: f64| words::duration(Duration::from_secs_f64(ms / 1e3));
    html! {
        tr {
            th.held scope="row" style="--d:0" { "held at " code { (pause.at) } }
            td.track {
                span.bar.held style={ "left:" (percent(pause.offset)) "%;width:" (percent(pause.width)) "%" } {}
                span.aloud { "after " (time(pause.after_ms)) }
            }
            td.took { (time(pause.held_ms)) }
        }
    }
}

fn kind(kind: SpanKind) -> Option<String> {
    match kind {
        SpanKind::Unspecified | SpanKind::Internal => None,
        kind => Some(kind.to_string()),
    }
}

/// A hundredth of a percent is less than a pixel on any screen.
fn percent(fraction: f64) -> String {
    let text = format!("{:.2}", fraction * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
