//! Attributes by name, and events by name too, not by time.

use std::collections::BTreeMap;
use std::mem;

use jaeger_api::wire::v3::{KeyValue, TracesData};

/// Sorts what a trace's resources, scopes, spans, events and links have.
pub(super) fn sort(trace: &mut TracesData) {
    for group in &mut trace.resource_spans {
        sort_attributes(&mut group.resource.attributes);
        for group in &mut group.scope_spans {
            sort_attributes(&mut group.scope.attributes);
        }
    }
    for span in super::spans_mut(trace) {
        sort_attributes(&mut span.attributes);
        span.events.sort_by(|a, b| a.name.cmp(&b.name));
        for event in &mut span.events {
            sort_attributes(&mut event.attributes);
        }
        for link in &mut span.links {
            sort_attributes(&mut link.attributes);
        }
    }
}

/// Of equal names the last one stays.
fn sort_attributes(attributes: &mut Vec<KeyValue>) {
    if attributes.is_sorted_by(|a, b| a.key < b.key) {
        return;
    }
    let sorted: BTreeMap<_, _> = mem::take(attributes)
        .into_iter()
        .map(|pair| (pair.key, pair.value))
        .collect();
    attributes.extend(sorted.into_iter().map(|(key, value)| KeyValue { key, value }));
}
