//! Why spans of a well-formed request were not stored.

use std::fmt;

use serde::Serialize;

/// Spans that were refused, by reason. The rest of their request is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Trace id of other than 16 bytes, or all zero.
    pub trace_id: u64,
    /// Span id of other than 8 bytes, or all zero.
    pub span_id: u64,
    /// Parent id, or an id in a link, of a wrong length.
    pub reference: u64,
    /// A text of the span, its scope or its resource is not UTF-8.
    pub utf8: u64,
}

impl Rejected {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.trace_id + self.span_id + self.reference + self.utf8
    }

    /// Adds another count.
    pub(super) const fn add(&mut self, other: Self) {
        self.trace_id += other.trace_id;
        self.span_id += other.span_id;
        self.reference += other.reference;
        self.utf8 += other.utf8;
    }
}

impl fmt::Display for Rejected {
    /// The sentence for `error_message` of a partial success.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = [
            (self.trace_id, "with an invalid trace id"),
            (self.span_id, "with an invalid span id"),
            (self.reference, "with an invalid parent id or link"),
            (self.utf8, "with text that is not UTF-8"),
        ];
        f.write_str("spans rejected: ")?;
        for (place, (count, reason)) in reasons.iter().filter(|(count, _)| *count > 0).enumerate() {
            let separator = if place > 0 { ", " } else { "" };
            write!(f, "{separator}{count} {reason}")?;
        }
        Ok(())
    }
}
