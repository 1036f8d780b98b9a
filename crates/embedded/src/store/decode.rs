//! Encoded spans back into OTLP messages.

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use std::sync::Arc;

use super::shelf::View;

/// One `ResourceSpans` for neighbours of one resource, in it one `ScopeSpans` for neighbours of one scope.
pub(super) fn resource_spans(views: &[View]) -> Vec<ResourceSpans> {
    let of_one_resource = views.chunk_by(|a, b| Arc::ptr_eq(&a.resource, &b.resource));
    let decoded = of_one_resource.map(|views| {
        let mut resource_spans = ResourceSpans::default();
        merge(&mut resource_spans, &views[0].resource.encoded);
        let of_one_scope = views.chunk_by(|a, b| Arc::ptr_eq(&a.scope, &b.scope));
        resource_spans.scope_spans = of_one_scope.map(scope_spans).collect();
        resource_spans
    });
    decoded.collect()
}

fn scope_spans(views: &[View]) -> ScopeSpans {
    let mut scope_spans = ScopeSpans::default();
    merge(&mut scope_spans, &views[0].scope.encoded);
    for view in views {
        merge(&mut scope_spans, &view.spans);
    }
    scope_spans
}

fn merge<M: Message>(message: &mut M, encoded: &[u8]) {
    message
        .merge(encoded)
        .expect("what is stored was checked by the rules of this decoder");
}
