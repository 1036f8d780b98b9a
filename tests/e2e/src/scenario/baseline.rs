//! Without an intercept an order never leaves the cluster.

use futures_util::FutureExt as _;

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "baseline_stays_in_the_cluster",
    about: "without an intercept an order is one trace inside the cluster",
    needs: &[],
    play: |stage| {
        async move {
            stage.without_intercept().await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order", order, topology::served_in_the_cluster())
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "intercepted_all_the_same",
        fault: Fault::StrayIntercept,
        judged: Judged::Fails(CauseKind::WrongSite),
    }],
};
