//! Whether two neighbours could understand each other, as far as their own accounts say in which formats a context travels.

use super::{Detective, the_caller};
use crate::expect::At;
use crate::words;

/// What the caller of a request sends.
const TRACE_CONTEXT: &str = "tracecontext";

impl Detective<'_, '_, '_> {
    /// The one of two neighbours that does not speak W3C Trace Context, what it speaks, and what the other one does; `None` when they
    /// have a format in common, or when nobody knows.
    pub(super) fn strangers(&self, from: &At, to: &At) -> Option<(At, String, String)> {
        let (one, other) = (self.formats(from)?, self.formats(to)?);
        let understood = one
            .iter()
            .any(|name| other.iter().any(|known| header(known) == header(name)));
        if understood {
            return None;
        }
        let speaks = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => words::clip(&words::clean(&names.join(", ")), 60),
        };
        let usual = |names: &[String]| names.iter().any(|name| name == TRACE_CONTEXT);
        Some(if usual(&other) {
            (from.clone(), speaks(&one), speaks(&other))
        } else {
            (to.clone(), speaks(&other), speaks(&one))
        })
    }

    /// The formats of trace context that a place speaks; `None` when it doesn't say, or when two processes of it differ.
    fn formats(&self, place: &At) -> Option<Vec<String>> {
        if *place == the_caller() {
            return Some(vec![TRACE_CONTEXT.to_owned()]);
        }
        let mut told = self.accounts(place).map(|account| &account.propagators);
        let first = told.next().filter(|names| !names.is_empty())?;
        if told.any(|names| names != first) {
            return None;
        }
        let formats = first
            .iter()
            .filter(|name| !matches!(name.as_str(), "baggage" | "none"));
        Some(formats.cloned().collect())
    }
}

/// What a format is read as: who reads B3 takes both of its forms.
fn header(name: &str) -> &str {
    match name {
        "b3multi" => "b3",
        other => other,
    }
}
