//! The span store: traces in memory, bounded, evicted whole, readable while they are written.

mod query;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use trace::SpanKind;

pub use query::Query;

/// The most the store holds; whatever is over is evicted, the trace that was first seen earliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Traces.
    pub traces: usize,
    /// Spans of all traces together.
    pub spans: usize,
    /// Bytes of heap that all traces together take.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            traces: 100_000,
            spans: 2_000_000,
            bytes: 1 << 30,
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
    /// Spans that were refused because their trace id or span id is invalid in OTLP.
    pub rejected: u64,
}

/// What is in the store now and what went through it since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    pub rejected_spans: u64,
    /// Traces evicted to stay within [`Limits`].
    pub evicted_traces: u64,
    /// Spans evicted with them.
    pub evicted_spans: u64,
}

/// A handle on the store; clones share the same spans.
#[derive(Debug, Clone)]
pub struct SpanStore(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    limits: Limits,
    traces: HashMap<[u8; 16], Vec<ResourceSpans>>,
    order: VecDeque<[u8; 16]>,
    operations: HashMap<String, BTreeSet<Operation>>,
    stats: Stats,
}

impl SpanStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(RwLock::new(State {
            limits,
            ..State::default()
        })))
    }

    /// Stores spans; they are visible to every reader when this returns.
    pub fn insert(&self, batch: Vec<ResourceSpans>) -> Inserted {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut inserted = Inserted::default();
        for mut resource_spans in batch {
            let scopes = std::mem::take(&mut resource_spans.scope_spans);
            let service = query::service_name(&resource_spans).to_owned();
            for mut scope_spans in scopes {
                for span in std::mem::take(&mut scope_spans.spans) {
                    let id = <[u8; 16]>::try_from(span.trace_id.as_slice()).unwrap_or_default();
                    if id == [0; 16] || span.span_id.len() != 8 || span.span_id.iter().all(|byte| *byte == 0)
                    {
                        inserted.rejected += 1;
                        continue;
                    }
                    inserted.accepted += 1;
                    state
                        .operations
                        .entry(service.clone())
                        .or_default()
                        .insert(Operation {
                            name: span.name.clone(),
                            kind: query::kind(span.kind),
                        });
                    if !state.traces.contains_key(&id) {
                        state.order.push_back(id);
                    }
                    state.traces.entry(id).or_default().push(ResourceSpans {
                        scope_spans: vec![ScopeSpans {
                            spans: vec![span],
                            ..scope_spans.clone()
                        }],
                        ..resource_spans.clone()
                    });
                    state.stats.spans += 1;
                }
            }
        }
        while state.stats.spans > state.limits.spans || state.traces.len() > state.limits.traces {
            let Some(oldest) = state.order.pop_front() else {
                break;
            };
            let spans = state.traces.remove(&oldest).map_or(0, |trace| trace.len());
            state.stats.spans -= spans;
            state.stats.evicted_spans += spans as u64;
            state.stats.evicted_traces += 1;
        }
        state.stats.accepted_spans += inserted.accepted;
        state.stats.rejected_spans += inserted.rejected;
        state.stats.traces = state.traces.len();
        inserted
    }

    /// A trace in the order of arrival, exact copies included; `None` when no span of it is held.
    #[must_use]
    pub fn trace(&self, id: [u8; 16]) -> Option<Vec<ResourceSpans>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .traces
            .get(&id)
            .cloned()
    }

    /// Ids of the traces that have a span which meets every criterion of the query; the trace whose first span
    /// arrived last comes first.
    #[must_use]
    pub fn search(&self, query: &Query) -> Vec<[u8; 16]> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let matching = state
            .order
            .iter()
            .rev()
            .filter(|id| state.traces.get(*id).is_some_and(|t| query.matches(t)));
        matching.take(query.limit).copied().collect()
    }

    /// Every service that ever had a span accepted, in name order. Eviction does not remove a service.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = state.operations.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Every operation of a service, by name and then kind; empty for an unknown service.
    #[must_use]
    pub fn operations(&self, service: &str) -> Vec<Operation> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state
            .operations
            .get(service)
            .map(|all| all.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.read().unwrap_or_else(PoisonError::into_inner).limits
    }

    /// Counts, consistent with one another.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.read().unwrap_or_else(PoisonError::into_inner).stats
    }
}

impl Default for SpanStore {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}
