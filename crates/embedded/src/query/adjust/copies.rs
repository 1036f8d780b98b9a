//! Exact copies of a span, which an exporter makes when it sends a batch again, are dropped.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;

use jaeger_api::wire::v3::TracesData;
use serde::Serialize;

/// Keeps the first of spans that are alike in everything, their resource's and scope's attributes included.
pub(super) fn drop_copies(trace: &mut TracesData) {
    let digests = Digests::default();
    let mut seen = HashSet::new();
    for group in &mut trace.resource_spans {
        let resource = digests.of(&group.resource.attributes);
        for part in &mut group.scope_spans {
            let scope = digests.of(&part.scope.attributes);
            part.spans
                .retain(|span| seen.insert((resource, scope, digests.of(span))));
        }
    }
}

/// Fingerprints of 128 bits with keys of their own, so that nobody can make two spans look alike.
#[derive(Default)]
struct Digests(RandomState, RandomState);

impl Digests {
    fn of<T: Serialize + ?Sized>(&self, value: &T) -> (u64, u64) {
        let mut writer = Writer(self.0.build_hasher(), self.1.build_hasher());
        // Writing into a hasher can't fail, and OTLP values have text keys only.
        let written = serde_json::to_writer(&mut writer, value);
        debug_assert!(written.is_ok(), "{written:?}");
        (writer.0.finish(), writer.1.finish())
    }
}

struct Writer<A, B>(A, B);

impl<A: Hasher, B: Hasher> io::Write for Writer<A, B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        self.1.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
