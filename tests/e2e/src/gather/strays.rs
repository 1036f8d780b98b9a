//! Looks for traces that carry our request ids under trace ids that we did not send.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jaeger_api::{JaegerError, SearchQuery};
use testbed::EnvironmentName;
use trace::{RequestId, ServiceName, Trace, TraceId, UnixNanos};

use super::{AT_ONCE, Look};
use crate::bed::Bed;
use crate::caller::Placed;
use crate::scenario::topology::{INVENTORY, ORDER, STOREFRONT};
use crate::wall_clock;

/// Searched around now: wider than any run, and than any clock that is merely wrong.
const WINDOW: Duration = Duration::from_secs(3_600);
/// By how much clocks differ where all spans are recorded on one machine. It may run containers in a virtual machine, which has a
/// clock of its own.
const ONE_MACHINE: Duration = Duration::from_secs(60);
/// From here on one search for everything is cheaper than one for each request.
const MANY: usize = 5;
/// Traces that one search for everything may bring.
const MOST: u32 = 1_000;

/// Traces by the request ids that their spans carry.
#[derive(Debug, Default)]
pub(super) struct Strays {
    by_request: BTreeMap<RequestId, BTreeMap<TraceId, Trace>>,
}

impl Strays {
    /// Asks Jaeger for the traces of all requests that still wait.
    pub(super) async fn find(bed: &Bed, looks: &[&mut Look]) -> Result<Self, JaegerError> {
        let wanted: BTreeSet<&RequestId> = looks.iter().map(|look| look.placed.request_id()).collect();
        let mut strays = Self::default();
        let (services, window) = (services(), window_of(bed, looks));
        if wanted.len() >= MANY && strays.take_everything(bed, &wanted, &window).await? {
            return Ok(strays);
        }
        let found: Vec<Vec<Trace>> = stream::iter(wanted.iter().copied())
            .map(|request| bed.jaeger.traces_by_request(request, &services, window.clone()))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for trace in found.into_iter().flatten() {
            strays.add(&trace, &wanted);
        }
        Ok(strays)
    }

    /// Searches each service for everything in the window. Says `false` when there may be more than was brought: an answer that
    /// was cut off must not pass for "no stray".
    async fn take_everything(
        &mut self,
        bed: &Bed,
        wanted: &BTreeSet<&RequestId>,
        window: &Range<UnixNanos>,
    ) -> Result<bool, JaegerError> {
        for service in services() {
            let found = bed
                .jaeger
                .search(&SearchQuery::new(service, window.clone()).limit(MOST))
                .await?;
            if found.len() >= MOST as usize {
                return Ok(false);
            }
            for trace in found {
                self.add(&trace, wanted);
            }
        }
        Ok(true)
    }

    fn add(&mut self, trace: &Trace, wanted: &BTreeSet<&RequestId>) {
        let carried: BTreeSet<RequestId> = trace
            .spans()
            .iter()
            .filter_map(trace::Span::request_id)
            .filter(|id| wanted.contains(id))
            .collect();
        for request in carried {
            self.by_request
                .entry(request)
                .or_default()
                .insert(trace.id(), trace.clone());
        }
    }

    /// The traces of an order's request id but its own one.
    pub(super) fn of(&self, placed: &Placed) -> Vec<Trace> {
        let found = self
            .by_request
            .get(placed.request_id())
            .into_iter()
            .flat_map(BTreeMap::values);
        found
            .filter(|trace| trace.id() != placed.trace_id())
            .cloned()
            .collect()
    }
}

fn services() -> [ServiceName; 3] {
    [STOREFRONT, ORDER, INVENTORY].map(ServiceName::from)
}

/// The time in which to search for spans of these orders. What a kept environment holds from before them is not looked through.
fn window_of(bed: &Bed, looks: &[&mut Look]) -> Range<UnixNanos> {
    let around = window();
    let earliest = looks.iter().map(|look| look.placed.sent_at()).min();
    let error = match bed.environment.name() {
        EnvironmentName::Embedded | EnvironmentName::Containers | EnvironmentName::Kind => ONE_MACHINE,
        EnvironmentName::Context => WINDOW,
    };
    let since = earliest.map_or(around.start, |sent| before(sent, error));
    since..around.end
}

/// The time around now in which to search.
#[must_use]
pub fn window() -> Range<UnixNanos> {
    let now = wall_clock::now();
    before(now, WINDOW)..UnixNanos(now.0.saturating_add(nanos(WINDOW)))
}

fn before(time: UnixNanos, by: Duration) -> UnixNanos {
    UnixNanos(time.0.saturating_sub(nanos(by)))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
