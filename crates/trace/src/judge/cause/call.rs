//! What callers saw of a place that left no span: an answer, a failure, or no call at all.

use super::{Detective, the_caller};
use crate::evidence::Answer;
use crate::expect::At;
use crate::names;
use crate::route::Place;
use crate::span::{ServiceName, Span, SpanKind, Value};
use crate::tree::NodeIndex;
use crate::verdict::Cause;
use crate::words;

/// What the caller of a place knows about the call.
pub(super) enum Call {
    /// Somebody answered.
    Answered,
    /// Nobody did.
    Failed {
        /// Who called.
        from: At,
        /// Its words.
        error: String,
    },
    /// There is no such call.
    NotMade,
}

impl Detective<'_, '_, '_> {
    /// The call that nobody answered, if there is one.
    pub(super) fn failed_call(&self) -> Option<Cause> {
        let Some(tree) = &self.scene.tree else {
            return self.no_trace();
        };
        let failed = |&(node, span): &(NodeIndex, &Span)| {
            span.kind == SpanKind::Client && tree.children(node).is_empty() && unanswered(span).is_some()
        };
        let (_, span) = tree
            .nodes()
            .map(|(node, found)| (node, found.span))
            .find(failed)?;
        let place = Place::of(span).to_at();
        let next = self
            .plan
            .after(&place.service)
            .filter(|next| !self.is_here(&At::anywhere(next.as_str())));
        let next = next.cloned().or_else(|| callee(span));
        Some(Cause::Unreachable {
            from: place,
            to: next.unwrap_or_else(|| ServiceName::new("the next service")),
            error: unanswered(span)?,
        })
    }

    /// What the caller of the request saw of the first place.
    pub(super) fn callers_call(&self, place: &At) -> Call {
        match &self.scene.evidence.answer {
            Answer::Failed(error) => Call::Failed {
                from: the_caller(),
                error: words::clip(&words::clean(error), 160),
            },
            Answer::Response { status, .. }
                if gateway(i64::from(*status)) && self.accounts(place).next().is_none() =>
            {
                Call::Failed {
                    from: the_caller(),
                    error: format!("status {status}"),
                }
            }
            Answer::Response { .. } => Call::Answered,
        }
    }

    /// What the place before saw of a place that left no span: its client spans without a child.
    pub(super) fn call(&self, from: Option<&At>, to: &At) -> Call {
        let Some(tree) = &self.scene.tree else {
            return Call::NotMade;
        };
        let calls: Vec<&Span> = tree
            .nodes()
            .filter(|(node, found)| {
                found.span.kind == SpanKind::Client
                    && tree.children(*node).is_empty()
                    && from.is_none_or(|from| from.service == *found.span.service())
            })
            .map(|(_, found)| found.span)
            .collect();
        let named: Vec<&Span> = calls
            .iter()
            .copied()
            .filter(|span| names_callee(span, &to.service))
            .collect();
        let calls = if named.is_empty() { calls } else { named };
        let failed = calls
            .iter()
            .find_map(|span| Some((Place::of(span).to_at(), unanswered(span)?)));
        match failed {
            Some((from, error)) => Call::Failed { from, error },
            None if calls.is_empty() => Call::NotMade,
            None => Call::Answered,
        }
    }
}

/// Why nobody answered a client span: a failure without a status, or a gateway's.
fn unanswered(span: &Span) -> Option<String> {
    let error = span.error()?;
    match span.attributes.get(names::HTTP_STATUS) {
        Some(Value::Int(status)) if !gateway(*status) => None,
        _ => Some(words::clip(&words::clean(&error), 160)),
    }
}

/// Bad gateway, service unavailable, gateway timeout: said by whoever stands in front of the service.
const fn gateway(status: i64) -> bool {
    matches!(status, 502..=504)
}

/// Whom a client span called, in its own words.
fn callee(span: &Span) -> Option<ServiceName> {
    let text = |name: &str| {
        span.attributes
            .get(name)
            .map(|value| words::clip(&words::clean(&value.to_string()), 60))
    };
    let address = text(names::SERVER_ADDRESS)?;
    Some(ServiceName::new(match text(names::SERVER_PORT) {
        Some(port) => format!("{address}:{port}"),
        None => address,
    }))
}

/// Whether a client span's address is the service's name, as cluster DNS has it.
fn names_callee(span: &Span, service: &ServiceName) -> bool {
    let address = span
        .attributes
        .get(names::SERVER_ADDRESS)
        .map(Value::to_string)
        .unwrap_or_default();
    let host = address.split('.').next().unwrap_or_default();
    host == service.as_str()
}
