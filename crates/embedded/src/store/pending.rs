//! Records of spans that were open when they were sent: the finished span takes the place of its record.
//!
//! A record is known by its instrumentation scope, so that nothing has to be looked at span by span where there are none.

use std::collections::HashSet;

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use trace::names::PENDING_SCOPE;

/// Leaves out every record whose span has arrived. What is not finished stays: it is open, or its process died.
pub(super) fn replace(trace: &mut Vec<ResourceSpans>) {
    let scopes = || trace.iter().flat_map(|resource| &resource.scope_spans);
    if !scopes().any(is_pending) {
        return;
    }
    let finished: HashSet<Vec<u8>> = scopes()
        .filter(|scope| !is_pending(scope))
        .flat_map(|scope| &scope.spans)
        .map(|span| span.span_id.clone())
        .collect();
    for resource in trace.iter_mut() {
        for scope in resource.scope_spans.iter_mut().filter(|scope| is_pending(scope)) {
            scope.spans.retain(|span| !finished.contains(&span.span_id));
        }
        resource.scope_spans.retain(|scope| !scope.spans.is_empty());
    }
    trace.retain(|resource| !resource.scope_spans.is_empty());
}

fn is_pending(scope: &ScopeSpans) -> bool {
    scope
        .scope
        .as_ref()
        .is_some_and(|scope| scope.name == PENDING_SCOPE)
}
