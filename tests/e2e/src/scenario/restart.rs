//! The edit-and-restart loop: the process on the workstation is replaced while the intercept stays.

use futures_util::FutureExt as _;
use testbed::Selection;

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "an_order_survives_a_restart_of_the_workstation_process",
    about: "orders before and after a restart under the same intercept are whole, and no span is lost by the stop",
    needs: &[],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            let before = stage.order(Order::known()).await;
            stage.restart_workstation().await?;
            stage
                .judge(
                    "before the restart",
                    before,
                    topology::served_on_the_workstation(),
                )
                .await?;
            let after = stage.order(Order::known()).await;
            stage
                .judge("after the restart", after, topology::served_on_the_workstation())
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "stopped_and_not_started",
        fault: Fault::NotRestarted,
        judged: Judged::Fails(CauseKind::Unreachable),
    }],
};
