//! What Jaeger changes in a trace before it shows it, unless it is asked for it raw.
//!
//! Always on a copy. Jaeger 2.13 to 2.20 changes the stored spans themselves, so that a warning about a parent that
//! had not arrived yet stays for good; 2.21 mends that, and so does this.

mod addresses;
mod copies;
mod library;
mod links;
mod order;
mod shared_ids;
mod skew;

use std::time::Duration;

use jaeger_api::convert::WARNINGS;
use jaeger_api::wire::v3::{AnyValue, KeyValue, Span, TracesData};

/// Adjusts one trace. Clocks are only corrected by up to `max_clock_skew`; at zero, Jaeger's default, what would
/// have been corrected is said in a warning.
pub(super) fn adjust(trace: &mut TracesData, max_clock_skew: Duration) {
    shared_ids::separate(trace);
    order::sort(trace);
    copies::drop_copies(trace);
    skew::correct(trace, max_clock_skew);
    addresses::spell_out(trace);
    library::move_to_resource(trace);
    links::drop_empty(trace);
}

/// Says in a span what is wrong with it.
pub(super) fn warn(span: &mut Span, warning: impl Into<String>) {
    let warning = AnyValue::String(warning.into());
    let known = span
        .attributes
        .iter_mut()
        .find(|attribute| attribute.key == WARNINGS);
    match known {
        Some(KeyValue {
            value: AnyValue::Array(warnings),
            ..
        }) => warnings.push(warning),
        Some(attribute) => {
            let text = AnyValue::String(attribute.value.to_string());
            attribute.value = AnyValue::Array(vec![text, warning]);
        }
        None => span.attributes.push(KeyValue {
            key: WARNINGS.to_owned(),
            value: AnyValue::Array(vec![warning]),
        }),
    }
}

/// All spans, in order.
fn spans_mut(trace: &mut TracesData) -> impl Iterator<Item = &mut Span> {
    let groups = trace.resource_spans.iter_mut();
    groups
        .flat_map(|group| &mut group.scope_spans)
        .flat_map(|group| &mut group.spans)
}
