//! The walkthrough's breakpoint: the cluster's request stops in the debugger, and the pause is in the trace.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::{Capability, CauseKind, Fault, Judged, Scenario, Twin};
use crate::breakpoint::Visit;
use crate::caller::Order;

/// How long somebody looks at the variables: longer than any order takes by itself.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_breakpoint_holds_an_order_and_the_trace_shows_the_pause",
    about: "started under a debugger: an order from the cluster stops in process_order, is looked at, goes on, and is one trace",
    needs: &[Capability::Debugger],
    play: |stage| {
        async move {
            stage.intercept_under_debugger().await?;
            let (order, visit) = stage.order_into_breakpoint(Order::known(), PAUSE).await?;
            stage.expect_pause(&visit, PAUSE)?;
            match visit {
                Visit::Paused(pause) => stage.judge_held("the order that was held", order, &pause).await,
                Visit::NeverStopped => stage.judge_unheld(order).await,
                // Nobody is left who could say anything of the spans.
                Visit::DebuggerGone(_) => Ok(()),
            }
        }
        .boxed_local()
    },
    twins: &[
        Twin {
            name: "never_hit",
            fault: Fault::BreakpointNeverHit,
            judged: Judged::Fails(CauseKind::NeverStopped),
        },
        Twin {
            name: "debugger_killed",
            fault: Fault::DebuggerKilled,
            judged: Judged::Fails(CauseKind::DebuggerGone),
        },
    ],
};
