//! A waterfall as a drawing: a row for each span, its bar on the common axis, its place in words.

use maud::{Markup, html};

use super::{class, drawing, site, text};
use crate::render::waterfall::{Row, Waterfall};
use crate::site::Site;
use crate::words;

const WIDTH: u32 = 960;
const MARGIN: u32 = 24;
/// Where the places begin, and the bars.
const PLACES: u32 = 264;
const BARS: u32 = 470;
const BARS_END: u32 = 860;
const HEAD: u32 = 92;
const ROW: u32 = 26;
const FOOT: u32 = 20;
/// Deeper spans are not indented further.
const DEEPEST: usize = 6;
const INDENT: u32 = 14;
/// A character takes about this many pixels.
const CHARACTER: u32 = 8;

/// Draws the rows of a waterfall under a title, 960 pixels wide.
///
/// Every span is a row with name, place, bar and length; a stray trace and a span whose parent is missing are said in words.
#[must_use]
pub fn waterfall(waterfall: &Waterfall, title: &str) -> String {
    let lines = lines(waterfall);
    let count = u32::try_from(lines.len()).unwrap_or(u32::MAX / ROW / 2);
    let height = HEAD + ROW * count + FOOT;
    let parts = html! {
        (text("title", MARGIN, 36, &words::clean(title)))
        (legend(waterfall))
        (axis(waterfall, height))
        @for (number, line) in (0..).zip(&lines) {
            @let y = HEAD + ROW * number;
            @match line {
                Line::Heading(words) => (text("bad", MARGIN, y + 17, words)),
                Line::Span(row) => (span(row, y)),
            }
        }
    };
    drawing(WIDTH, height, title, &parts)
}

enum Line<'w> {
    Heading(String),
    Span(&'w Row),
}

fn lines(waterfall: &Waterfall) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for section in &waterfall.sections {
        if section.stray {
            let trace = section.trace.short();
            lines.push(Line::Heading(format!("Stray trace {trace}, the same request")));
        }
        for row in &section.rows {
            if row.missing_parent.is_some() {
                lines.push(Line::Heading("Its parent is missing".to_owned()));
            }
            lines.push(Line::Span(row));
        }
    }
    if waterfall.hidden > 0 {
        lines.push(Line::Heading(format!(
            "{} not drawn",
            words::amount(waterfall.hidden, "more span")
        )));
    }
    lines
}

/// The sites that occur.
fn legend(waterfall: &Waterfall) -> Markup {
    let rows = || waterfall.sections.iter().flat_map(|section| &section.rows);
    let sites = [Some(Site::Cluster), Some(Site::Workstation), None];
    let there = sites.into_iter().filter(|&one| rows().any(|row| row.site == one));
    html! {
        @for (number, one) in (0..).zip(there) {
            @let x = MARGIN + 120 * number;
            rect class={ "bar " (class(one)) } x=(x) y="54" width="22" height="10" rx="2" {}
            (text("faint", x + 29, 63, site(one)))
        }
    }
}

/// Five lines with their times.
fn axis(waterfall: &Waterfall, height: u32) -> Markup {
    html! {
        @for quarter in 0..=4u32 {
            @let x = BARS + (BARS_END - BARS) * quarter / 4;
            line class="grid" x1=(x) y1=(HEAD - 6) x2=(x) y2=(height - FOOT / 2) {}
            @let time = if quarter == 0 { "0".to_owned() } else { words::duration(waterfall.total * quarter / 4) };
            (text("faint middle", x, HEAD - 14, &time))
        }
    }
}

fn span(row: &Row, y: u32) -> Markup {
    let indent = INDENT * u32::try_from(row.depth.min(DEEPEST)).unwrap_or(0);
    let room = (PLACES - MARGIN - indent) / CHARACTER;
    let name = words::clean(&row.name);
    let name = if name.trim().is_empty() {
        "(no name)"
    } else {
        &name
    };
    let place = words::clean(&format!("{}@{}", row.service, row.site.map_or("?", Site::as_str)));
    let site = class(row.site);
    let error = if row.error.is_some() { " error" } else { "" };
    html! {
        (text("", MARGIN + indent, y + 17, &words::clip(name, room as usize)))
        (text(&format!("place {site}"), PLACES, y + 17, &words::clip(&place, 28)))
        rect class={ "bar " (site) (error) } x=(pixels(row.offset, BARS)) y=(y + 7) width=(length(row.width)) height="12" rx="2" {}
        (text("faint end", WIDTH - MARGIN, y + 17, &words::duration(row.took)))
    }
}

/// A tenth of a pixel is enough for any screen.
fn pixels(fraction: f64, from: u32) -> String {
    format!("{:.1}", f64::from(from) + fraction * f64::from(BARS_END - BARS))
}

/// A span too short to be seen is seen all the same.
fn length(fraction: f64) -> String {
    format!("{:.1}", (fraction * f64::from(BARS_END - BARS)).max(2.0))
}
