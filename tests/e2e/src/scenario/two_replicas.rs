//! With two pods behind the Service, an intercept takes the requests to both.

use futures_util::FutureExt as _;
use testbed::{Arrangement, Capability, Selection};

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

/// Enough that each of two pods would have answered some, if any of them still did: one chance in a million of missing it.
const REQUESTS: usize = 20;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "an_intercept_takes_the_requests_to_both_replicas",
    about: "two pods: every request reaches the workstation, orders are one trace, and after leave the pods answer",
    needs: &[Capability::Arrange],
    play: |stage| {
        async move {
            stage.arrange(Arrangement::TwoReplicas).await?;
            stage.intercept_watched(Selection::All).await?;
            stage.expect_requests_answered_here(REQUESTS, None).await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order", order, topology::served_on_the_workstation())
                .await?;
            stage.leave().await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "intercept_off",
        fault: Fault::NoIntercept,
        judged: Judged::Fails(CauseKind::WrongSite),
    }],
};
