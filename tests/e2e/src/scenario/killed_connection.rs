//! What carries intercepted requests to the workstation is killed; connecting again takes the intercept up again.

use futures_util::FutureExt as _;
use testbed::{Capability, Mishap, Selection};

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "an_intercept_is_taken_up_again_after_its_connection_was_killed",
    about: "kill -9 of what carries the intercept: after connecting again the same intercept serves, and the next order is one trace",
    needs: &[Capability::Mishaps, Capability::Connection],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            stage.survive(Mishap::ConnectionKilled).await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge(
                    "after connecting again",
                    order,
                    topology::served_on_the_workstation(),
                )
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "not_connected_again",
        fault: Fault::NotReconnected,
        judged: Judged::Fails(CauseKind::Unreachable),
    }],
};
