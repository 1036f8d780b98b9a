//! Exact copies of a span, which an exporter makes when it sends a batch again, are dropped.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use jaeger_api::wire::id::SpanId;
use jaeger_api::wire::v3::TracesData;
use serde::Serialize;

/// Keeps the first of spans that are alike in everything, their resource's and scope's attributes included.
pub(super) fn drop_copies(trace: &mut TracesData) {
    let mut times: HashMap<SpanId, usize> = HashMap::new();
    for (_, _, span) in trace.spans() {
        *times.entry(span.span_id).or_default() += 1;
    }
    // Copies share their id, so in most traces there is nothing to compare.
    times.retain(|_, times| *times > 1);
    if times.is_empty() {
        return;
    }
    let mut digests = Digests::default();
    let mut seen = HashSet::new();
    for group in &mut trace.resource_spans {
        let resource = digests.of(&group.resource.attributes);
        for part in &mut group.scope_spans {
            let scope = digests.of(&part.scope.attributes);
            part.spans.retain(|span| {
                !times.contains_key(&span.span_id) || seen.insert((resource, scope, digests.of(span)))
            });
        }
    }
}

/// Fingerprints of 128 bits with keys of their own, so that nobody can make two spans look alike.
#[derive(Default)]
struct Digests {
    keys: (RandomState, RandomState),
    written: Vec<u8>,
}

impl Digests {
    fn of<T: Serialize + ?Sized>(&mut self, value: &T) -> (u64, u64) {
        self.written.clear();
        // Memory takes whatever is written to it, and OTLP values have text keys only.
        let written = serde_json::to_writer(&mut self.written, value);
        debug_assert!(written.is_ok(), "{written:?}");
        (
            self.keys.0.hash_one(&self.written),
            self.keys.1.hash_one(&self.written),
        )
    }
}
