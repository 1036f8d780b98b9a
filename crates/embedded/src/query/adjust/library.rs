//! What a span says of the library that recorded it belongs to the process.

use std::collections::HashMap;

use jaeger_api::wire::v3::{AnyValue, TracesData};

use super::warn;

const LIBRARY: [&str; 5] = [
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "telemetry.distro.name",
    "telemetry.distro.version",
];

/// Moves these attributes from spans to their resource, unless the resource says something else.
pub(super) fn move_to_resource(trace: &mut TracesData) {
    for group in &mut trace.resource_spans {
        let resource = &mut group.resource.attributes;
        let is_library = |key: &str| LIBRARY.contains(&key);
        let mut known: HashMap<String, AnyValue> = resource
            .iter()
            .filter(|attribute| is_library(&attribute.key))
            .map(|attribute| (attribute.key.clone(), attribute.value.clone()))
            .collect();
        for span in group.scope_spans.iter_mut().flat_map(|part| &mut part.spans) {
            let mut conflicts = Vec::new();
            span.attributes.retain(|attribute| {
                if !is_library(&attribute.key) {
                    return true;
                }
                match known.get(&attribute.key) {
                    Some(value) if *value != attribute.value => {
                        conflicts.push(attribute.key.clone());
                        true
                    }
                    Some(_) => false,
                    None => {
                        known.insert(attribute.key.clone(), attribute.value.clone());
                        resource.push(attribute.clone());
                        false
                    }
                }
            });
            for key in conflicts {
                warn(
                    span,
                    format!("conflicting values between Span and Resource for attribute {key}"),
                );
            }
        }
    }
}
