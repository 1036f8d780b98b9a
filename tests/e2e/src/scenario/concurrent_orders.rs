//! Many orders at once stay apart.

use std::time::Duration;

use futures_util::FutureExt as _;
use testbed::Selection;

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;
use crate::random;

/// How many orders are under way at the same time.
const ORDERS: usize = 50;
/// How long storefront may wait for each: that they stay apart is to be shown, not that a busy machine serves all of them
/// within its usual two seconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "fifty_concurrent_orders_are_fifty_traces",
    about: "fifty orders at once through the intercept: fifty separate whole traces",
    needs: &[],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            let shared = stage.broken_by(Fault::SharedTraceId).then(random::trace_id);
            // A few are enough to show that they are not told apart.
            let count = if shared.is_some() { 4 } else { ORDERS };
            let orders = (0..count)
                .map(|_| match shared {
                    Some(trace_id) => Order::known().under(trace_id),
                    None => Order::known(),
                })
                .map(|order| order.waiting(PATIENCE))
                .collect();
            let placed = stage.order_all(orders).await;
            stage
                .judge_all("order", placed, topology::served_on_the_workstation())
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "one_trace_id_for_all",
        fault: Fault::SharedTraceId,
        judged: Judged::Fails(CauseKind::HandledTwice),
    }],
};
