//! A total order of spans by everything they hold, so that exact copies end up side by side.
//!
//! `PartialEq` cannot serve: a NaN differs from itself, and then a resent span would not be its own copy.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::span::{Attributes, Resource, Span, SpanEvent, Status, Value};

/// Start time, then id, then everything else.
pub(super) fn spans(a: &Span, b: &Span) -> Ordering {
    (a.start, a.span_id)
        .cmp(&(b.start, b.span_id))
        .then_with(|| a.trace_id.cmp(&b.trace_id))
        .then_with(|| a.parent.cmp(&b.parent))
        .then_with(|| a.end.cmp(&b.end))
        .then_with(|| a.kind.cmp(&b.kind))
        .then_with(|| a.name.cmp(&b.name))
        .then_with(|| status(&a.status).cmp(&status(&b.status)))
        .then_with(|| resources(&a.resource, &b.resource))
        .then_with(|| attributes(&a.attributes, &b.attributes))
        .then_with(|| lists(&a.events, &b.events, events))
}

fn status(status: &Status) -> (u8, &str) {
    match status {
        Status::Unset => (0, ""),
        Status::Ok => (1, ""),
        Status::Error(description) => (2, description),
    }
}

fn resources(a: &Arc<Resource>, b: &Arc<Resource>) -> Ordering {
    if Arc::ptr_eq(a, b) {
        return Ordering::Equal;
    }
    a.service
        .cmp(&b.service)
        .then_with(|| a.site.cmp(&b.site))
        .then_with(|| attributes(&a.attributes, &b.attributes))
}

fn attributes(a: &Attributes, b: &Attributes) -> Ordering {
    lists(a, b, |(a_name, a_value), (b_name, b_value)| {
        a_name.cmp(b_name).then_with(|| values(a_value, b_value))
    })
}

fn events(a: &SpanEvent, b: &SpanEvent) -> Ordering {
    a.time
        .cmp(&b.time)
        .then_with(|| a.name.cmp(&b.name))
        .then_with(|| attributes(&a.attributes, &b.attributes))
}

fn values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => lists(a, b, values),
        (Value::Map(a), Value::Map(b)) => attributes(a, b),
        _ => rank(a).cmp(&rank(b)),
    }
}

const fn rank(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Int(_) => 1,
        Value::Double(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Map(_) => 5,
    }
}

/// Item by item; a list that is the beginning of the other one comes first.
fn lists<T>(
    a: impl IntoIterator<Item = T>,
    b: impl IntoIterator<Item = T>,
    item: impl Fn(T, T) -> Ordering,
) -> Ordering {
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match item(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}
