//! The span store: traces in memory, bounded, evicted whole, readable while they are written.

#[cfg(test)]
pub(crate) mod arbitrary;
mod batch;
mod catalog;
mod decode;
mod index;
mod malformed;
mod pending;
mod pool;
mod query;
mod rejected;
mod sanitize;
mod scan;
pub(crate) mod schema;
mod shelf;
#[cfg(test)]
mod tests;
pub(crate) mod value;
pub(crate) mod wire;

use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, TracesData};
use prost::Message;
use serde::Serialize;
use trace::SpanKind;

use batch::Batch;
use catalog::Catalog;
use index::Hasher;
use query::Criteria;
use shelf::Shelf;

pub use malformed::Malformed;
pub use query::Query;
pub use rejected::Rejected;

/// The most the store holds; whatever is over is evicted, the trace that was first seen earliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Traces.
    pub traces: usize,
    /// Spans of all traces together.
    pub spans: usize,
    /// Bytes of memory that all traces together take, bookkeeping included.
    pub bytes: usize,
    /// Names under which [`SpanStore::operations`] lists something. They are never evicted, so the list ends here;
    /// it ends earlier when the names take a sixteenth of [`Limits::bytes`].
    pub operations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            traces: 100_000,
            spans: 2_000_000,
            bytes: 1 << 30,
            operations: 100_000,
        }
    }
}

/// One operation of a service, as `/api/operations` lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// The span name.
    pub name: String,
    /// The span kind.
    pub kind: SpanKind,
}

/// What became of the spans of one insertion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Spans that readers can see now.
    pub accepted: u64,
    /// Spans that were refused.
    pub rejected: Rejected,
}

/// What is in the store now and what went through it since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Traces held now.
    pub traces: usize,
    /// Spans held now.
    pub spans: usize,
    /// Bytes held now.
    pub bytes: usize,
    /// Spans ever accepted.
    pub accepted_spans: u64,
    /// Spans ever refused.
    pub rejected_spans: Rejected,
    /// Traces evicted to stay within [`Limits`].
    pub evicted_traces: u64,
    /// Spans evicted with them.
    pub evicted_spans: u64,
    /// How often an operation could not be listed for [`Limits::operations`].
    pub unlisted_operations: u64,
}

/// A handle on the store; clones share the same spans.
///
/// Spans stay as they came, in protobuf, and are decoded when they are read. What Jaeger mends when it stores a
/// span is mended here too: a missing, empty or non-text `service.name`, an empty span name, an end that is not after
/// the start. Exact copies are kept; to drop them is the reader's choice.
#[derive(Debug, Clone, Default)]
pub struct SpanStore(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    limits: Limits,
    hasher: Hasher,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    shelf: Shelf,
    catalog: Catalog,
    accepted: u64,
    rejected: Rejected,
}

impl SpanStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            ..Shared::default()
        }))
    }

    /// Stores an encoded `ExportTraceServiceRequest`. Its spans are visible to every reader when this returns.
    ///
    /// # Errors
    /// When the bytes are not such a message; nothing of it is stored then.
    pub fn insert_encoded(&self, request: &[u8]) -> Result<Inserted, Malformed> {
        let batch = Batch::read(request, &self.0.hasher)?;
        let inserted = Inserted {
            accepted: batch.accepted,
            rejected: batch.rejected,
        };
        let limits = &self.0.limits;
        let mut guard = self.write();
        let state = &mut *guard;
        state.accepted += inserted.accepted;
        state.rejected.add(inserted.rejected);
        for operation in &batch.operations {
            let service = &batch.resources[operation.resource as usize].service;
            state
                .catalog
                .list(service, operation.name, operation.kind, limits);
        }
        state.shelf.store(batch, limits);
        Ok(inserted)
    }

    /// Stores decoded spans. They are visible to every reader when this returns.
    ///
    /// # Errors
    /// When a value lies deeper than protobuf allows; nothing is stored then.
    pub fn insert(&self, resource_spans: Vec<ResourceSpans>) -> Result<Inserted, Malformed> {
        self.insert_encoded(&TracesData { resource_spans }.encode_to_vec())
    }

    /// A trace in the order of arrival, exact copies included; `None` when no span of it is held.
    ///
    /// A record of an open span (see [`trace::names::PENDING_SCOPE`]) is left out once the span itself has arrived.
    /// Neighbouring spans of one resource and scope are together. Ids have their proper length or, where OTLP
    /// allows none, none.
    #[must_use]
    pub fn trace(&self, id: [u8; 16]) -> Option<Vec<ResourceSpans>> {
        let views = self.read().shelf.trace(&id, self.0.hasher.hash(&id))?;
        let mut trace = decode::resource_spans(&views);
        pending::replace(&mut trace);
        Some(trace)
    }

    /// Ids of the traces that have a span which meets every criterion of the query; the trace whose first span
    /// arrived last comes first. Traces that arrive meanwhile are not considered.
    #[must_use]
    pub fn search(&self, query: &Query) -> Vec<[u8; 16]> {
        let mut found = Vec::new();
        let Some(criteria) = Criteria::of(query) else {
            return found;
        };
        let mut below = Some(self.read().shelf.end());
        while let Some(number) = below.filter(|_| found.len() < query.limit) {
            let page = self.read().shelf.page(number, query.service.as_deref());
            let holding = page
                .traces
                .into_iter()
                .filter(|(_, views)| views.iter().any(|view| criteria.hold(view)));
            found.extend(holding.map(|(id, _)| id).take(query.limit - found.len()));
            below = page.below;
        }
        found
    }

    /// Every service that ever had a span accepted, in name order. Eviction does not remove a service.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        self.read().catalog.services()
    }

    /// Every operation of a service, by name and then kind; empty for an unknown service.
    #[must_use]
    pub fn operations(&self, service: &str) -> Vec<Operation> {
        self.read().catalog.operations(service)
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Counts, consistent with one another.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.read();
        let load = state.shelf.load();
        Stats {
            traces: load.traces,
            spans: load.spans,
            bytes: load.bytes,
            accepted_spans: state.accepted,
            rejected_spans: state.rejected,
            evicted_traces: load.evicted_traces,
            evicted_spans: load.evicted_spans,
            unlisted_operations: state.catalog.unlisted(),
        }
    }

    /// Does to the store what a writer that panics does.
    #[cfg(test)]
    pub(crate) fn poison(&self) {
        let panicking = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let _guard = self.write();
                panic!("a writer that panics on purpose");
            });
            writer.join()
        });
        assert!(panicking.is_err());
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().expect(NOT_POISONED)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().expect(NOT_POISONED)
    }
}

/// A writer that panicked left the store in an unknown state; to go on with it would be to lie to every reader.
const NOT_POISONED: &str = "no writer of the span store panicked";
