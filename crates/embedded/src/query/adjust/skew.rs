//! Clocks of different hosts: a child that does not lie within its parent is moved, or it is said that it would be.

use std::collections::HashMap;
use std::time::Duration;

use jaeger_api::wire::id::SpanId;
use jaeger_api::wire::v3::{AnyValue, Resource, Span, TracesData};

use super::{spans_mut, warn};
use crate::query::go::duration_text;

/// Corrects the clocks of subtrees that ran on another host than their parent, by up to `most`.
pub(super) fn correct(trace: &mut TracesData, most: Duration) {
    let most = i64::try_from(most.as_nanos()).unwrap_or(i64::MAX);
    let hosts = hosts(trace);
    let mut spans: Vec<&mut Span> = spans_mut(trace).collect();
    let mut places: HashMap<SpanId, usize> = HashMap::with_capacity(spans.len());
    for (place, span) in spans.iter_mut().enumerate() {
        if *places.entry(span.span_id).or_insert(place) != place {
            warn(span, "duplicate span IDs; skipping clock skew adjustment");
        }
    }
    let (roots, children) = family(&mut spans, &places);
    // The parent's place, and the shift and the host that were last compared on the way down.
    let mut open: Vec<(usize, Option<usize>, i64, &str)> = roots
        .into_iter()
        .rev()
        .map(|root| (root, None, 0, hosts[root].as_str()))
        .collect();
    while let Some((place, parent, mut shift, mut host)) = open.pop() {
        if let Some(parent) = parent
            && (hosts[place].is_empty() || hosts[place] != host)
        {
            host = &hosts[place];
            shift = needed_shift(spans[place], spans[parent]);
        }
        apply(spans[place], shift, most);
        let children = children.get(&place).into_iter().flatten();
        open.extend(children.rev().map(|child| (*child, Some(place), shift, host)));
    }
}

/// Each span's host; empty when its resource does not name one.
fn hosts(trace: &TracesData) -> Vec<String> {
    let mut hosts = Vec::new();
    for group in &trace.resource_spans {
        let spans = group.scope_spans.iter().map(|part| part.spans.len()).sum();
        hosts.extend(std::iter::repeat_n(host(&group.resource), spans));
    }
    hosts
}

fn host(resource: &Resource) -> String {
    let attribute = |name: &str| resource.attributes.iter().find(|attribute| attribute.key == name);
    let text = |value: &AnyValue| value.as_str().unwrap_or_default().to_owned();
    if let Some(id) = attribute("host.id") {
        return text(&id.value);
    }
    match attribute("host.ip").map(|attribute| &attribute.value) {
        Some(AnyValue::String(address)) => return address.clone(),
        Some(AnyValue::Array(addresses)) if !addresses.is_empty() => return addresses[0].to_string(),
        _ => {}
    }
    attribute("host.name")
        .map(|name| text(&name.value))
        .unwrap_or_default()
}

/// Places of roots and of each span's children. A span whose parent is not there counts as a root, and is told so.
fn family(
    spans: &mut [&mut Span],
    places: &HashMap<SpanId, usize>,
) -> (Vec<usize>, HashMap<usize, Vec<usize>>) {
    let mut roots = Vec::new();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    for (place, span) in spans.iter_mut().enumerate() {
        if places.get(&span.span_id) != Some(&place) {
            continue;
        }
        let parent = span.parent_span_id;
        if parent.is_none() {
            roots.push(place);
        } else if let Some(parent) = places.get(&parent) {
            children.entry(*parent).or_default().push(place);
        } else {
            warn(
                span,
                format!("parent span ID={parent} is not in the trace; skipping clock skew adjustment"),
            );
            roots.push(place);
        }
    }
    (roots, children)
}

/// By how much a child would have to be moved to lie within its parent, in nanoseconds.
fn needed_shift(child: &Span, parent: &Span) -> i64 {
    let (child_start, child_end) = (
        i128::from(child.start_time_unix_nano),
        i128::from(child.end_time_unix_nano),
    );
    let (start, end) = (
        i128::from(parent.start_time_unix_nano),
        i128::from(parent.end_time_unix_nano),
    );
    let slack = (end - start) - (child_end - child_start);
    let shift = if slack < 0 {
        // It outlived its parent, which gave up or never waited. At least it did not begin earlier.
        (start - child_start).max(0)
    } else if child_start >= start && child_end <= end {
        0
    } else {
        // Both ways through the network are taken to be equally long.
        start + slack / 2 - child_start
    };
    i64::try_from(shift).unwrap_or(if shift < 0 { i64::MIN } else { i64::MAX })
}

fn apply(span: &mut Span, shift: i64, most: i64) {
    if shift == 0 {
        return;
    }
    let needed = duration_text(shift);
    if shift.unsigned_abs() > most.unsigned_abs() {
        let warning = match most {
            0 => format!("clock skew adjustment disabled; not applying calculated delta of {needed}"),
            _ => {
                let most = duration_text(most);
                format!(
                    "max clock skew adjustment delta of {most} exceeded; not applying calculated delta of {needed}"
                )
            }
        };
        warn(span, warning);
        return;
    }
    span.start_time_unix_nano = span.start_time_unix_nano.saturating_add_signed(shift);
    span.end_time_unix_nano = span.end_time_unix_nano.saturating_add_signed(shift);
    for event in &mut span.events {
        event.time_unix_nano = event.time_unix_nano.saturating_add_signed(shift);
    }
    warn(span, format!("This span's timestamps were adjusted by {needed}"));
}
