//! A pod that was made ready for intercepts when it started need not be replaced.

use futures_util::FutureExt as _;
use testbed::{Arrangement, Capability, Selection};

use super::{Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_prepared_pod_stays_when_it_is_intercepted",
    about: "the agent came with the pod: the same pod answers before and after the intercept, and the order between is one trace",
    needs: &[Capability::Arrange],
    play: |stage| {
        async move {
            stage.arrange(Arrangement::Prepared).await?;
            let before = stage.who_serves().await?;
            stage.intercept_watched(Selection::All).await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order", order, topology::served_on_the_workstation())
                .await?;
            stage.leave().await?;
            if stage.broken_by(Fault::RolledOut) {
                stage.rearrange(Arrangement::Unprepared).await?;
            }
            let after = stage.who_serves().await?;
            stage.expect_same_pod(&before, &after);
            Ok(())
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "rolled_out_meanwhile",
        fault: Fault::RolledOut,
        judged: Judged::FailsWithoutCause,
    }],
};
