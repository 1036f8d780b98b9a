//! The first intercept of a workload has to replace its pod, because the traffic agent is not in it yet.

use futures_util::FutureExt as _;
use testbed::{Arrangement, Capability, Selection};

use super::{Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "the_first_intercept_replaces_the_pod",
    about: "nothing in the pod serves intercepts yet: another pod comes, the order is one trace, and afterwards the new pod answers",
    needs: &[Capability::Arrange],
    play: |stage| {
        async move {
            stage.arrange(Arrangement::Unprepared).await?;
            let before = stage.who_serves().await?;
            stage.intercept_watched(Selection::All).await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order", order, topology::served_on_the_workstation())
                .await?;
            stage.leave().await?;
            let after = stage.who_serves().await?;
            stage.expect_another_pod(&before, &after);
            Ok(())
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "the_agent_was_there",
        fault: Fault::InterceptedBefore,
        judged: Judged::FailsWithoutCause,
    }],
};
