//! Expectations as people read them.

use std::fmt;

use super::{At, Expectation, Matcher, SpanSelector};
use crate::span::Value;
use crate::words;

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.site {
            Some(site) => write!(f, "{}@{site}", self.service),
            None => write!(f, "{}", self.service),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::StatusOneOf(statuses) => write!(f, "status {}", either(statuses)),
            Self::Path(path) if path.is_empty() => f.write_str("a path of no places"),
            Self::Path(path) => {
                let places: Vec<String> = path.iter().map(At::to_string).collect();
                f.write_str(&places.join(" → "))
            }
            Self::Sites(sites) => match sites.len() {
                1 => write!(f, "spans from the {} only", words::list(sites)),
                _ => write!(f, "spans from {}", words::list(sites)),
            },
            Self::Connected => f.write_str("one tree: a single root, every parent in the trace"),
            Self::NoStray => f.write_str("no other trace of the same request"),
            Self::Attributes { select, attributes } => {
                write!(f, "a {select}")?;
                if !attributes.is_empty() {
                    let all = attributes
                        .iter()
                        .map(|(name, matcher)| format!("{name} {matcher}"));
                    write!(f, " having {}", words::list(all))?;
                }
                Ok(())
            }
            Self::Count { select, count } => f.write_str(&select.amount(*count)),
            Self::Error { select } => write!(f, "an error on a {select}"),
            Self::NoError => f.write_str("no span with an error"),
            Self::Duration { select, min, max } => {
                write!(f, "every {select} takes ")?;
                match (min.map(words::limit), max.map(words::limit)) {
                    (Some(min), Some(max)) => write!(f, "{min} to {max}"),
                    (Some(min), None) => write!(f, "at least {min}"),
                    (None, Some(max)) => write!(f, "at most {max}"),
                    (None, None) => f.write_str("any time"),
                }
            }
            Self::Absent { select } => write!(f, "no {select}"),
        }
    }
}

impl fmt::Display for Matcher {
    /// The rest of a sentence that begins with the attribute's name: `= "created"`, `present`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("present"),
            Self::Absent => f.write_str("absent"),
            Self::Equals(Value::String(text)) => write!(f, "= {text:?}"),
            Self::Equals(value) => write!(f, "= {value}"),
            Self::Text(text) => write!(f, "= {text:?} as text"),
            Self::StartsWith(text) => write!(f, "starting with {text:?}"),
        }
    }
}

impl SpanSelector {
    /// `1 server span ...`, `3 server spans ...`, `no server span ...`.
    pub(crate) fn amount(&self, count: usize) -> String {
        format!("{}{}", words::amount(count, &self.noun()), self.origin())
    }

    fn noun(&self) -> String {
        match self.kind {
            Some(kind) => format!("{kind} span"),
            None => "span".to_owned(),
        }
    }

    fn origin(&self) -> String {
        let mut origin = String::new();
        if let Some(name) = &self.name {
            origin.push_str(&format!(" `{name}`"));
        }
        match (&self.service, self.site) {
            (Some(service), Some(site)) => origin.push_str(&format!(" of {service}@{site}")),
            (Some(service), None) => origin.push_str(&format!(" of {service}")),
            (None, Some(site)) => origin.push_str(&format!(" from the {site}")),
            (None, None) => {}
        }
        if let Some(version) = &self.version {
            origin.push_str(&format!(" with version {version}"));
        }
        origin
    }
}

impl fmt::Display for SpanSelector {
    /// ``server span `POST /api/orders` of order-service@workstation with version local-debug``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.noun(), self.origin())
    }
}

/// `502 or 504`.
fn either(statuses: &std::collections::BTreeSet<u16>) -> String {
    let words: Vec<String> = statuses.iter().map(u16::to_string).collect();
    if words.is_empty() {
        "that nobody can give".to_owned()
    } else {
        words.join(" or ")
    }
}
