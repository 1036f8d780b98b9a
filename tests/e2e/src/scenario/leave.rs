//! Leaving the intercept gives the traffic back.

use futures_util::FutureExt as _;
use testbed::Selection;

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "leaving_gives_the_traffic_back",
    about: "after leave the pod serves again and the workstation records nothing more",
    needs: &[],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            let during = stage.order(Order::known()).await;
            stage
                .judge(
                    "during the intercept",
                    during,
                    topology::served_on_the_workstation(),
                )
                .await?;
            let idle = stage.workstation_span_count().await?;
            stage.leave().await?;
            let after = stage.order(Order::known()).await;
            stage
                .judge("after leave", after, topology::served_in_the_cluster())
                .await?;
            stage.expect_no_further_workstation_spans(idle).await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "not_left",
        fault: Fault::NotLeft,
        judged: Judged::Fails(CauseKind::WrongSite),
    }],
};
