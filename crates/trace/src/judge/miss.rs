//! What is there instead of what was expected, and how spans are named in it.

use crate::expect::{At, attribute};
use crate::id::SpanId;
use crate::route::Place;
use crate::site::Site;
use crate::span::{Span, SpanKind, Value};
use crate::tree::NodeIndex;
use crate::words;

/// What is there instead of what was expected.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) found: String,
    pub(super) at: Option<SpanId>,
    pub(super) clue: Clue,
}

/// What a miss says about where to look for its cause.
#[derive(Debug)]
pub(super) enum Clue {
    /// Nothing beyond what was found.
    None,
    /// There is no span at all.
    NoTrace,
    /// A place has no span where it should have some.
    Absent(At),
    /// A site has no span.
    AbsentSite(Site),
    /// A span names a parent that is not there.
    Orphan(NodeIndex),
    /// A span is there that should not be.
    Surplus {
        /// Which.
        span: SpanId,
        /// Whether another site was meant.
        elsewhere: bool,
    },
    /// The process is the right one, its version is not.
    Version {
        process: At,
        expected: String,
        found: String,
    },
    /// An answer or a span tells of a failure.
    Failure,
    /// Another trace carries the request id.
    Stray,
    /// A place handled the request more than once.
    Repeated { process: At, times: usize },
}

/// What an expectation comes to: a line that shows that it holds, or what is there instead.
pub(super) type Checked = Result<String, Miss>;

pub(super) fn miss(found: impl Into<String>, at: Option<&Span>, clue: Clue) -> Checked {
    Err(Miss {
        found: found.into(),
        at: at.map(|span| span.span_id),
        clue,
    })
}

/// `` `create-order` of order-service@workstation ``.
pub(super) fn name(span: &Span) -> String {
    format!("`{}` of {}", short(&span.name), Place::of(span))
}

/// `` server `POST /api/orders` ``, or only the name of an internal span.
pub(super) fn kind_and_name(span: &Span) -> String {
    match span.kind {
        SpanKind::Internal | SpanKind::Unspecified => format!("`{}`", short(&span.name)),
        kind => format!("{kind} `{}`", short(&span.name)),
    }
}

pub(super) fn short(name: &str) -> String {
    words::clip(&words::clean(name), 60)
}

pub(super) fn error(span: &Span) -> String {
    words::clip(&words::clean(&span.error().unwrap_or_default()), 160)
}

/// `order.id = "ord-1"`, `no order.id`.
pub(super) fn value(span: &Span, name: &str) -> String {
    match attribute(span, name) {
        None => format!("no {name}"),
        Some(Value::String(text)) => format!("{name} = {:?}", words::clip(&text, 80)),
        Some(value) => format!("{name} = {}", words::clip(&words::clean(&value.to_string()), 80)),
    }
}
