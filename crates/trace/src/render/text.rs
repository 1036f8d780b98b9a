//! A trace as an indented text tree, for terminals, logs and failed assertions.

use std::fmt::Write as _;

use super::picture::Picture;
use crate::route::Place;
use crate::span::SpanKind;
use crate::tree::{NodeIndex, Parent, Tree, Visit};
use crate::words;

/// How a text tree is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// No line is longer than this many characters; at least 40 are used.
    pub width: usize,
    /// No more spans than this are drawn; the rest is counted.
    pub rows: usize,
}

impl Default for TextOptions {
    /// 120 characters wide, 1,000 spans.
    fn default() -> Self {
        Self {
            width: 120,
            rows: 1000,
        }
    }
}

/// Draws the trace and its strays: one line for each span with its name, place, kind, length and error. Lines end with `\n`.
///
/// Spans whose parent is missing come after the tree under a heading of their own, and so do stray traces. Names from elsewhere
/// cannot break a line or hide text.
#[must_use]
pub fn text<'e>(picture: impl Into<Picture<'e>>, options: &TextOptions) -> String {
    let picture = picture.into();
    let trees = picture.trees();
    let mut page = Page {
        out: String::new(),
        left: options.rows,
        hidden: 0,
    };
    for (stray, tree) in &trees {
        if !page.out.is_empty() {
            page.out.push('\n');
        }
        draw(&mut page, *stray, tree, options.width.max(40));
    }
    if page.hidden > 0 {
        let _ = writeln!(
            page.out,
            "… {} not shown",
            words::amount(page.hidden, "more span")
        );
    }
    if page.out.is_empty() {
        page.out.push_str("no span\n");
    }
    page.out
}

struct Page {
    out: String,
    left: usize,
    hidden: usize,
}

/// Widths of the columns, all in characters.
struct Columns {
    label: usize,
    place: usize,
    kind: usize,
    took: usize,
    /// Levels that are indented; deeper ones tell their number instead.
    deepest: usize,
    /// What is left for remarks at the end of a line.
    rest: usize,
    width: usize,
}

const GAP: usize = 2;
const STEP: usize = 3;

fn draw(page: &mut Page, stray: bool, tree: &Tree<'_>, width: usize) {
    let Some((_, first)) = tree.nodes().next() else {
        return;
    };
    let start = first.span.start.0;
    let end = tree.spans().map(|span| span.end.0).max().unwrap_or(start);
    let title = if stray { "stray trace" } else { "trace" };
    let total = words::duration(std::time::Duration::from_nanos(end.saturating_sub(start)));
    let heading = format!(
        "{title} {}: {}, {total}",
        first.span.trace_id,
        words::amount(tree.len(), "span")
    );
    let _ = writeln!(page.out, "{}", words::clip(&heading, width));

    let columns = Columns::fit(tree, page.left, width);
    let orphans: Vec<NodeIndex> = tree.orphans().collect();
    let circles: Vec<NodeIndex> = tree.circles().collect();
    rows(page, tree, &tree.roots().collect::<Vec<_>>(), &columns);
    for (tops, heading) in [
        (orphans, "below a parent that is missing:"),
        (circles, "among their own ancestors:"),
    ] {
        if !tops.is_empty() && page.left > 0 {
            let _ = writeln!(page.out, "{heading}");
        }
        rows(page, tree, &tops, &columns);
    }
}

fn rows(page: &mut Page, tree: &Tree<'_>, tops: &[NodeIndex], columns: &Columns) {
    // For each level above the current one, whether it has a sibling still to come.
    let mut open: Vec<bool> = Vec::new();
    for visit in tree.descend(tops) {
        if page.left == 0 {
            page.hidden += 1;
            continue;
        }
        page.left -= 1;
        open.truncate(visit.depth.saturating_sub(1));
        let label = label(tree, visit, &open, columns.deepest);
        if visit.depth > 0 {
            open.push(!visit.last);
        }
        row(&mut page.out, tree, visit.node, &label, columns);
    }
}

fn label(tree: &Tree<'_>, visit: Visit, open: &[bool], deepest: usize) -> String {
    let mut label = String::new();
    if visit.depth > deepest {
        let _ = write!(label, "{} ⋯ level {}: ", "   ".repeat(deepest), visit.depth);
    } else if visit.depth > 0 {
        open.iter()
            .for_each(|&open| label.push_str(if open { "│  " } else { "   " }));
        label.push_str(if visit.last { "└─ " } else { "├─ " });
    }
    let name = words::clean(&tree.span(visit.node).name);
    label.push_str(if name.trim().is_empty() {
        "(no name)"
    } else {
        &name
    });
    label
}

fn row(out: &mut String, tree: &Tree<'_>, node: NodeIndex, label: &str, columns: &Columns) {
    let Columns {
        label: label_width,
        place: place_width,
        kind: kind_width,
        took: took_width,
        rest,
        width,
        deepest: _,
    } = *columns;
    let span = tree.span(node);
    let mut line = cell(label, label_width);
    line.push_str(&gap());
    line.push_str(&cell(&words::clean(&Place::of(span).to_string()), place_width));
    if kind_width > 0 {
        line.push_str(&gap());
        line.push_str(&cell(kind(span.kind), kind_width));
    }
    line.push_str(&gap());
    let _ = write!(line, "{:>took_width$}", words::duration(span.duration()));

    let mut remarks = Vec::new();
    if span.is_pending() {
        remarks.push("open".to_owned());
    }
    if let Some(error) = span.error() {
        let error = words::clean(&error);
        remarks.push(if error == "error" {
            "ERROR".to_owned()
        } else {
            format!("ERROR {error}")
        });
    }
    match tree.node(node).parent {
        Parent::Missing(parent) => remarks.push(format!("parent {parent}")),
        Parent::Circle(parent) => remarks.push(format!("circle through {parent}")),
        Parent::None | Parent::Caller(_) | Parent::Span(_) => {}
    }
    if tree.conflicts().binary_search(&span.span_id).is_ok() {
        remarks.push(format!("shares id {}", span.span_id));
    }
    if tree.node(node).copies > 1 {
        remarks.push(format!("sent {} times", tree.node(node).copies));
    }
    let remarks = remarks.join(", ");
    if remarks.is_empty() {
        out.push_str(line.trim_end());
    } else if rest >= remarks.chars().count().min(24) + GAP {
        out.push_str(&line);
        let _ = write!(out, "{}{}", gap(), words::clip(&remarks, rest - GAP));
    } else {
        let _ = write!(
            out,
            "{}\n      {}",
            line.trim_end(),
            words::clip(&remarks, width - 6)
        );
    }
    out.push('\n');
}

impl Columns {
    /// Gives each column what its longest cell needs; when that is too much, labels give way first, then places, then kinds go.
    fn fit(tree: &Tree<'_>, rows: usize, width: usize) -> Self {
        let (mut label, mut place, mut took) = (0, 0, 0);
        let longest = |cell: &str| cell.chars().count();
        // A quarter of the line for the tree's own lines.
        let deepest = (width / 4 / STEP).max(3);
        for visit in tree.walk().take(rows) {
            let span = tree.span(visit.node);
            let indent = if visit.depth > deepest {
                STEP * deepest + 16
            } else {
                STEP * visit.depth
            };
            label = label.max(longest(&words::clean(&span.name)) + indent);
            place = place.max(longest(&words::clean(&Place::of(span).to_string())));
            took = took.max(longest(&words::duration(span.duration())));
        }
        let kind = if width >= 80 {
            longest(kind(SpanKind::Consumer))
        } else {
            0
        };
        let fixed = GAP + if kind > 0 { kind + GAP } else { 0 } + GAP + took;
        let free = width.saturating_sub(fixed);
        label = label.max(9);
        if label + place > free {
            place = place.min((free / 2).max(free.saturating_sub(label)));
            label = label.min(free.saturating_sub(place));
        }
        let rest = width.saturating_sub(fixed + label + place);
        Self {
            label,
            place,
            kind,
            took,
            deepest,
            rest,
            width,
        }
    }
}

/// Internal and unspecified spans are the unremarkable ones.
const fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified | SpanKind::Internal => "",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

fn cell(text: &str, width: usize) -> String {
    let mut cell = words::clip(text, width);
    cell.extend(std::iter::repeat_n(
        ' ',
        width.saturating_sub(cell.chars().count()),
    ));
    cell
}

fn gap() -> String {
    " ".repeat(GAP)
}
