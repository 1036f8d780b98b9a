//! The data of a waterfall: one row for each span with its place on a common time axis. Whoever draws it decides how it looks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::picture::Picture;
use crate::id::{SpanId, TraceId};
use crate::site::Site;
use crate::span::{ServiceName, SpanKind, UnixNanos};
use crate::tree::{Parent, Tree, Visit};

/// Rows of one request on one time axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waterfall {
    /// Where the axis begins: the earliest start of all spans.
    pub start: UnixNanos,
    /// How long the axis is: up to the latest end of all spans.
    pub total: Duration,
    /// The trace of the request first, then its strays.
    pub sections: Vec<Section>,
    /// Spans that were left out because there are too many.
    pub hidden: usize,
}

/// The rows of one trace id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// The trace.
    pub trace: TraceId,
    /// Whether it is another trace of the same request.
    pub stray: bool,
    /// Depth first in time order; orphans after the tree.
    pub rows: Vec<Row>,
}

/// One span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its id.
    pub span: SpanId,
    /// How far below its top it is.
    pub depth: usize,
    /// The producing service.
    pub service: ServiceName,
    /// Its site, when the process told it.
    pub site: Option<Site>,
    /// The operation.
    pub name: String,
    /// Its role.
    pub kind: SpanKind,
    /// Where its bar begins, as a fraction of the axis from 0 to 1.
    pub offset: f64,
    /// How long its bar is, as a fraction of the axis; `offset + width` is at most 1.
    pub width: f64,
    /// When it began, counted from the axis' begin.
    pub after: Duration,
    /// How long it took.
    pub took: Duration,
    /// Whether it was open when it was sent. Its bar goes to the end of the axis.
    #[serde(default)]
    pub open: bool,
    /// What went wrong.
    pub error: Option<String>,
    /// The parent it names, when that is not in the trace: an orphan.
    pub missing_parent: Option<SpanId>,
    /// Whether it was cut out of a circle of parents.
    pub circle: bool,
    /// How many exact copies were delivered; 1 unless an exporter sent it again.
    pub copies: usize,
}

/// Lays out at most `most` spans.
#[must_use]
pub fn waterfall<'e>(picture: impl Into<Picture<'e>>, most: usize) -> Waterfall {
    let picture = picture.into();
    let trees = picture.trees();
    let spans = || trees.iter().flat_map(|(_, tree)| tree.spans());
    let start = spans().map(|span| span.start.0).min().unwrap_or(0);
    let end = spans().map(|span| span.end.0).max().unwrap_or(start).max(start);
    let axis = Axis {
        start,
        length: end - start,
    };
    let mut left = most;
    let mut sections = Vec::new();
    for (stray, tree) in &trees {
        let Some(first) = tree.spans().next() else {
            continue;
        };
        let rows: Vec<Row> = tree
            .walk()
            .take(left)
            .map(|visit| row(tree, visit, &axis))
            .collect();
        left -= rows.len();
        sections.push(Section {
            trace: first.trace_id,
            stray: *stray,
            rows,
        });
    }
    let all: usize = trees.iter().map(|(_, tree)| tree.len()).sum();
    Waterfall {
        start: UnixNanos(start),
        total: Duration::from_nanos(axis.length),
        sections,
        hidden: all - (most - left),
    }
}

struct Axis {
    start: u64,
    length: u64,
}

impl Axis {
    fn fraction(&self, nanos: u64) -> f64 {
        if self.length == 0 {
            0.0
        } else {
            (nanos as f64 / self.length as f64).clamp(0.0, 1.0)
        }
    }
}

fn row(tree: &Tree<'_>, visit: Visit, axis: &Axis) -> Row {
    let node = tree.node(visit.node);
    let span = node.span;
    let after = span.start.0.saturating_sub(axis.start);
    let offset = axis.fraction(after);
    Row {
        span: span.span_id,
        depth: visit.depth,
        service: span.service().clone(),
        site: span.site(),
        name: span.name.clone(),
        kind: span.kind,
        offset,
        width: if span.is_pending() {
            1.0 - offset
        } else {
            axis.fraction(span.end.0.saturating_sub(span.start.0))
                .min(1.0 - offset)
        },
        after: Duration::from_nanos(after),
        took: span.duration(),
        open: span.is_pending(),
        error: span.error(),
        missing_parent: match node.parent {
            Parent::Missing(parent) => Some(parent),
            _ => None,
        },
        circle: matches!(node.parent, Parent::Circle(_)),
        copies: node.copies,
    }
}
