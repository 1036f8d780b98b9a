//! Traces out of the store: whole, adjusted unless they are wanted raw, and never more than an answer may hold.

use http::StatusCode;
use jaeger_api::wire::v3::TracesData;

use super::failure::Failure;
use super::{QueryOptions, adjust, model};
use crate::store::{Query, SpanStore};

/// The store, and how it is to be shown.
#[derive(Debug, Clone)]
pub(super) struct Finder {
    pub(super) store: SpanStore,
    pub(super) options: QueryOptions,
}

/// A search as a request states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search {
    /// `None` when no span can meet it.
    pub(super) criteria: Option<Query>,
    /// The most traces to return.
    pub(super) depth: i64,
    /// Whether traces are wanted as they were stored.
    pub(super) raw: bool,
}

/// When spans start and how long they take, in nanoseconds; a duration of zero is no bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) start: i128,
    pub(super) end: i128,
    pub(super) min: i64,
    pub(super) max: i64,
}

impl Bounds {
    /// The bounds as the store counts; `None` when no span can lie within them.
    pub(super) fn query(self) -> Option<Query> {
        if self.end < 0 || self.max < 0 {
            return None;
        }
        Some(Query {
            start_min: Some(u64::try_from(self.start.max(0)).ok()?),
            start_max: Some(u64::try_from(self.end).unwrap_or(u64::MAX)),
            duration_min: u64::try_from(self.min).ok().filter(|min| *min > 0),
            duration_max: u64::try_from(self.max).ok().filter(|max| *max > 0),
            ..Query::default()
        })
    }
}

impl Finder {
    /// One trace. An adjusted one that is too long is cut short, and says so.
    ///
    /// # Errors
    /// A raw one is too long.
    pub(super) fn trace(&self, id: [u8; 16], raw: bool) -> Result<Option<TracesData>, Failure> {
        let Some(mut trace) = self.raw(id) else {
            return Ok(None);
        };
        let most = self.options.answer_spans;
        if trace.spans().count() > most {
            if raw {
                return Err(self.too_many());
            }
            cut(&mut trace, most);
        }
        if !raw {
            adjust::adjust(&mut trace, self.options.max_clock_skew);
        }
        Ok(Some(trace))
    }

    /// The traces that a search finds, the one that was first seen last first.
    ///
    /// # Errors
    /// The depth is out of bounds, or there would be too many spans.
    pub(super) fn search(&self, search: &Search) -> Result<Vec<TracesData>, Failure> {
        let mut traces = Vec::new();
        let mut spans = 0;
        for id in self.ids(search)? {
            // A trace that was evicted meanwhile is simply not there any more.
            let Some(trace) = self.trace(id, search.raw)? else {
                continue;
            };
            spans += trace.spans().count();
            if spans > self.options.answer_spans {
                return Err(self.too_many());
            }
            traces.push(trace);
        }
        Ok(traces)
    }

    /// The ids of the traces that a search finds.
    ///
    /// # Errors
    /// The depth is out of bounds.
    pub(super) fn ids(&self, search: &Search) -> Result<Vec<[u8; 16]>, Failure> {
        let most = self.store.limits().traces;
        let depth = usize::try_from(search.depth)
            .ok()
            .filter(|depth| (1..=most).contains(depth));
        let Some(limit) = depth else {
            let message = "search depth must be greater than 0 and less than max traces";
            return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message));
        };
        let Some(criteria) = search.criteria.clone() else {
            return Ok(Vec::new());
        };
        Ok(self.store.search(&Query { limit, ..criteria }))
    }

    /// Every trace with a span that starts strictly inside a window, given in nanoseconds since the Unix epoch, as it
    /// was stored.
    pub(super) fn within(&self, after: i128, before: i128) -> impl Iterator<Item = TracesData> {
        let bounds = Bounds {
            start: after.saturating_add(1),
            end: before.saturating_sub(1),
            min: 0,
            max: 0,
        };
        let ids = bounds.query().map(|bounds| Query {
            limit: usize::MAX,
            ..bounds
        });
        let ids = ids.map(|query| self.store.search(&query)).unwrap_or_default();
        ids.into_iter().filter_map(|id| self.raw(id))
    }

    fn raw(&self, id: [u8; 16]) -> Option<TracesData> {
        let groups = self.store.trace(id)?;
        Some(TracesData {
            resource_spans: groups.into_iter().map(model::resource_spans).collect(),
        })
    }

    fn too_many(&self) -> Failure {
        let message = format!(
            "the answer would have more than {} spans",
            self.options.answer_spans
        );
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

/// Leaves the first spans and says in the very first one that there were more.
fn cut(trace: &mut TracesData, most: usize) {
    let mut left = most;
    for part in trace
        .resource_spans
        .iter_mut()
        .flat_map(|group| &mut group.scope_spans)
    {
        part.spans.truncate(left);
        left -= part.spans.len();
    }
    for group in &mut trace.resource_spans {
        group.scope_spans.retain(|part| !part.spans.is_empty());
    }
    trace.resource_spans.retain(|group| !group.scope_spans.is_empty());
    let mut spans = trace
        .resource_spans
        .iter_mut()
        .flat_map(|group| &mut group.scope_spans)
        .flat_map(|part| &mut part.spans);
    if let Some(first) = spans.next() {
        adjust::warn(
            first,
            format!("trace has more than {most} spans, showing first {most} spans only"),
        );
    }
}
