//! IPv4 addresses that were recorded as numbers are spelled out.

use std::net::Ipv4Addr;

use jaeger_api::wire::v3::{AnyValue, KeyValue, TracesData};

/// Spells out `ip` and `peer.ipv4` of resources and spans.
pub(super) fn spell_out(trace: &mut TracesData) {
    for group in &mut trace.resource_spans {
        group.resource.attributes.iter_mut().for_each(spell);
    }
    for span in super::spans_mut(trace) {
        span.attributes.iter_mut().for_each(spell);
    }
}

fn spell(attribute: &mut KeyValue) {
    if !matches!(attribute.key.as_str(), "ip" | "peer.ipv4") {
        return;
    }
    // The lower 32 bits, whatever else the number may hold.
    let number = match attribute.value {
        AnyValue::Int(number) => number as u32,
        AnyValue::Double(number) => number as i64 as u32,
        _ => return,
    };
    attribute.value = AnyValue::String(Ipv4Addr::from_bits(number).to_string());
}
