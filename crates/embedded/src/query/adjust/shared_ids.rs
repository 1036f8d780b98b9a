//! A server span that has its client's id, as Zipkin's libraries write it, gets one of its own.

use std::collections::{HashMap, HashSet};

use jaeger_api::wire::id::SpanId;
use jaeger_api::wire::v3::{TracesData, kind};

/// Gives such server spans the lowest free ids, makes the client their parent and their children follow them.
pub(super) fn separate(trace: &mut TracesData) {
    let clients: HashSet<SpanId> = trace
        .spans()
        .filter(|(_, _, span)| span.kind == kind::CLIENT)
        .map(|(_, _, span)| span.span_id)
        .collect();
    let is_shared = |number: i32, id: &SpanId| number == kind::SERVER && clients.contains(id);
    if !trace
        .spans()
        .any(|(_, _, span)| is_shared(span.kind, &span.span_id))
    {
        return;
    }
    let taken: HashSet<SpanId> = trace.spans().map(|(_, _, span)| span.span_id).collect();
    // A trace has fewer spans than there are ids, so a free one is always found.
    let mut free = (1..=u64::MAX)
        .map(|number| SpanId::new(number.to_be_bytes()))
        .filter(|id| !taken.contains(id));
    let mut renamed = HashMap::new();
    for span in super::spans_mut(trace) {
        if is_shared(span.kind, &span.span_id)
            && let Some(id) = free.next()
        {
            renamed.insert(span.span_id, id);
            span.parent_span_id = span.span_id;
            span.span_id = id;
        }
    }
    for span in super::spans_mut(trace) {
        if let Some(id) = renamed.get(&span.parent_span_id)
            && span.span_id != *id
        {
            span.parent_span_id = *id;
        }
    }
}
