//! A span can be seen while a breakpoint holds it open.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::{Capability, Fault, Judged, Scenario, Twin};
use crate::breakpoint::Visit;
use crate::caller::Order;

/// Several times what an open span takes to be found.
const PAUSE: Duration = Duration::from_millis(500);
/// How long it may take on a machine that has much else to do.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_span_is_seen_while_a_breakpoint_holds_it_open",
    about: "an order that is held in process_order: Jaeger shows the spans around it as open, and afterwards one whole trace",
    needs: &[Capability::Debugger, Capability::OpenSpans],
    play: |stage| {
        async move {
            stage.intercept_under_debugger().await?;
            let (order, visit) = stage
                .order_held_until_seen(Order::known(), PAUSE, FOUND_WITHIN)
                .await?;
            stage.expect_pause(&visit, PAUSE)?;
            match visit {
                Visit::Paused(pause) => {
                    stage.expect_open_span(&order, &pause);
                    stage.judge_held("the order that was held", order, &pause).await
                }
                Visit::NeverStopped => stage.judge_unheld(order).await,
                Visit::DebuggerGone(_) => Ok(()),
            }
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "open_spans_off",
        fault: Fault::NoOpenSpans,
        judged: Judged::FailsWithoutCause,
    }],
};
