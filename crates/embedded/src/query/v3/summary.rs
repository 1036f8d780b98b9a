//! A trace in counts.

use std::collections::{BTreeMap, HashSet};

use jaeger_api::convert::service_name;
use jaeger_api::wire::id::TraceId;
use jaeger_api::wire::v3::{ServiceSummary, TraceSummary, TracesData, status_code};

/// Counts a trace's spans: all, failed, without their parent, and for each service. Its root is the span without a
/// parent that started first.
pub(super) fn summarize(id: [u8; 16], trace: &TracesData) -> TraceSummary {
    let present: HashSet<_> = trace.spans().map(|(_, _, span)| span.span_id).collect();
    let mut summary = TraceSummary {
        trace_id: TraceId::new(id),
        ..TraceSummary::default()
    };
    let mut services: BTreeMap<&str, ServiceSummary> = BTreeMap::new();
    let mut root = None;
    for (resource, _, span) in trace.spans() {
        let service = service_name(resource);
        let share = services.entry(service).or_default();
        share.span_count += 1;
        summary.span_count += 1;
        if span.status.code == status_code::ERROR {
            share.error_span_count += 1;
            summary.error_span_count += 1;
        }
        let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
        if summary.span_count == 1 || start < summary.min_start_time_unix_nano {
            summary.min_start_time_unix_nano = start;
        }
        summary.max_end_time_unix_nano = summary.max_end_time_unix_nano.max(end);
        if span.parent_span_id.is_none() {
            if root.is_none_or(|(earliest, _, _)| start < earliest) {
                root = Some((start, service, span.name.as_str()));
            }
        } else if !present.contains(&span.parent_span_id) {
            summary.orphan_span_count += 1;
        }
    }
    if let Some((_, service, name)) = root {
        summary.root_service_name = service.to_owned();
        summary.root_operation_name = name.to_owned();
    }
    summary.services = services
        .into_iter()
        .map(|(name, share)| ServiceSummary {
            name: name.to_owned(),
            ..share
        })
        .collect();
    summary
}
