//! Which service calls which, counted over the stored traces.

use std::collections::{BTreeMap, HashMap};

use jaeger_api::convert::service_name;
use jaeger_api::wire::legacy::Dependency;
use jaeger_api::wire::v3::TracesData;

/// Edges by parent and child, a service that calls itself included. A trace counts when it lies strictly inside the
/// window, given in nanoseconds since the Unix epoch.
pub(super) fn edges(traces: impl Iterator<Item = TracesData>, after: i128, before: i128) -> Vec<Dependency> {
    let mut edges: BTreeMap<(String, String), u64> = BTreeMap::new();
    for trace in traces {
        if is_inside(&trace, after, before) {
            count(&trace, &mut edges);
        }
    }
    edges
        .into_iter()
        .map(|((parent, child), call_count)| Dependency {
            parent,
            child,
            call_count,
        })
        .collect()
}

fn is_inside(trace: &TracesData, after: i128, before: i128) -> bool {
    trace.spans().all(|(_, _, span)| {
        i128::from(span.start_time_unix_nano) > after && i128::from(span.end_time_unix_nano) < before
    })
}

fn count(trace: &TracesData, edges: &mut BTreeMap<(String, String), u64>) {
    let mut services = HashMap::new();
    for (resource, _, span) in trace.spans() {
        // Of spans that share an id the first one counts.
        services
            .entry(span.span_id)
            .or_insert_with(|| service_name(resource));
    }
    for (resource, _, span) in trace.spans() {
        if span.parent_span_id.is_none() {
            continue;
        }
        if let Some(parent) = services.get(&span.parent_span_id) {
            *edges
                .entry(((*parent).to_owned(), service_name(resource).to_owned()))
                .or_default() += 1;
        }
    }
}
