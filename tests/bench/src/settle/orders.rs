//! Orders under trace ids of our own, and the wait until each trace is whole.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jaeger_api::JaegerClient;
use serde::Serialize;
use serde_json::json;
use testbed::Run;
use testbed::wait::{self, Pace, Probe};
use trace::{TraceId, names};

use crate::sample::percentile;

/// Spans of a whole order: storefront's server and client; order-service's server, two of its own, and client;
/// inventory-service's server.
pub(crate) const SPANS: usize = 7;
/// How long one order, and then its trace, may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Fine enough for what takes some milliseconds.
const PACE: Pace = Pace {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(2),
};

/// How long traces took to be whole, milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    pub(crate) orders: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) most_ms: f64,
}

impl Summary {
    fn of(mut values: Vec<f64>) -> Self {
        Self {
            orders: values.len(),
            p50_ms: percentile(&mut values, 0.5),
            p90_ms: percentile(&mut values, 0.9),
            p99_ms: percentile(&mut values, 0.99),
            most_ms: percentile(&mut values, 1.0),
        }
    }

    /// One row of a table.
    pub(crate) fn cells(&self) -> Vec<String> {
        let figures = [self.p50_ms, self.p90_ms, self.p99_ms, self.most_ms];
        std::iter::once(self.orders.to_string())
            .chain(figures.map(|figure| format!("{figure:.1}")))
            .collect()
    }
}

/// Places orders, one after the other, and measures from the end of each answer until its trace is whole.
pub(crate) async fn place(run: &Run, storefront: &str, jaeger: &str, count: usize) -> Result<Summary> {
    let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build()?;
    let jaeger = JaegerClient::new(jaeger)?;
    jaeger.probe().await?;
    let ids = Ids::new();
    let mut waited = Vec::with_capacity(count);
    for number in 0..count {
        let id = ids.nth(number)?;
        let answer = client
            .post(format!("{storefront}/checkout"))
            .header(names::TRACEPARENT, format!("00-{id}-b7ad6b7169203331-01"))
            .json(&json!({"customer_id": "c-1", "sku": "WIDGET-001", "quantity": 1}))
            .send()
            .await?;
        let status = answer.status();
        let body = answer.text().await?;
        ensure!(status.is_success(), "an order was answered with {status}: {body}");
        let answered = Instant::now();
        whole(run, &jaeger, id).await?;
        waited.push(answered.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Summary::of(waited))
}

/// Waits until a trace has all its spans.
pub(crate) async fn whole(run: &Run, jaeger: &JaegerClient, id: TraceId) -> Result<()> {
    let deadline = run.deadline(LIMIT);
    let there = wait::until_paced(&deadline, "the whole trace", PACE, || async {
        match jaeger.trace(id).await {
            Ok(Some(found)) if found.spans().len() >= SPANS => {
                Probe::<(), std::convert::Infallible>::Ready(())
            }
            Ok(found) => Probe::NotYet(format!("{} spans", found.map_or(0, |found| found.spans().len()))),
            Err(error) => Probe::NotYet(error.to_string()),
        }
    });
    there.await.with_context(|| format!("trace {id}"))
}

/// Trace ids that nobody else has used in the same store.
pub(crate) struct Ids(u64);

impl Ids {
    /// Another series each time: the standard library seeds its hashers from the system's random source.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(std::process::id()))
    }

    /// One of them.
    pub(crate) fn nth(&self, number: usize) -> Result<TraceId> {
        // Never all zero, which W3C Trace Context forbids.
        let id = format!("{:016x}{:016x}", self.0, number + 1);
        id.parse().context("32 hexadecimal digits are a trace id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_many_as_orders_and_another_series_each_time() {
        let (one, other) = (Ids::new(), Ids::new());
        let ids: std::collections::BTreeSet<String> = (0..100)
            .flat_map(|number| [one.nth(number).unwrap(), other.nth(number).unwrap()])
            .map(|id| id.to_string())
            .collect();
        assert_eq!(ids.len(), 200);
    }

    #[test]
    fn a_summary_takes_the_right_shares() {
        let summary = Summary::of((1..=200).map(f64::from).collect());
        assert_eq!(summary.cells(), ["200", "100.0", "180.0", "198.0", "200.0"]);
    }
}
