//! The pod that carries the intercept is deleted; another one takes its place, and the intercept with it.

use futures_util::FutureExt as _;
use testbed::{Capability, Mishap, Selection};

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "an_intercept_survives_the_loss_of_its_pod",
    about: "the pod is deleted during an intercept: the workstation answers again by itself, and the next order is one trace",
    needs: &[Capability::Mishaps],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            stage.survive(Mishap::PodsDeleted).await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("after the loss", order, topology::served_on_the_workstation())
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "no_other_pod_comes",
        fault: Fault::PodStaysAway,
        judged: Judged::Fails(CauseKind::Unreachable),
    }],
};
