//! Links to nowhere are removed.

use jaeger_api::wire::v3::TracesData;

use super::warn;

/// Removes links without a trace id, with a warning for each.
pub(super) fn drop_empty(trace: &mut TracesData) {
    for span in super::spans_mut(trace) {
        let before = span.links.len();
        span.links.retain(|link| !link.trace_id.is_none());
        for _ in span.links.len()..before {
            warn(span, "Invalid span link removed");
        }
    }
}
