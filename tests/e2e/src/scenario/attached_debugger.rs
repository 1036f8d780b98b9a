//! A debugger that comes later and goes before the process does.

use std::time::Duration;

use futures_util::FutureExt as _;
use testbed::Selection;

use super::{Capability, CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::breakpoint::Visit;
use crate::caller::Order;

/// Longer than any order takes by itself.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_debugger_attached_by_pid_holds_an_order_and_lets_go",
    about: "attached to the running process: an order is held at the breakpoint; after the debugger let go, the next one is not",
    needs: &[Capability::Debugger, Capability::AttachDebugger],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            stage.attach_debugger().await?;
            let (held, visit) = stage.order_into_breakpoint(Order::known(), PAUSE).await?;
            stage.expect_pause(&visit, PAUSE)?;
            let pause = match visit {
                Visit::Paused(pause) => pause,
                Visit::NeverStopped => return stage.judge_unheld(held).await,
                Visit::DebuggerGone(_) => return Ok(()),
            };
            stage.judge_held("the order that was held", held, &pause).await?;
            stage.detach_debugger().await?;
            let next = stage.order(Order::known()).await;
            stage
                .judge(
                    "an order without the debugger",
                    next,
                    topology::served_on_the_workstation(),
                )
                .await
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
