//! A connection that was opened before an intercept does not notice it: that is why nothing here that proves or calls keeps one.

use futures_util::FutureExt as _;
use testbed::{Capability, Selection};

use super::{Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_connection_from_before_the_intercept_stays_at_the_pod",
    about: "a connection held open across the switch is answered by the pod, while new ones, storefront's among them, reach the workstation",
    needs: &[Capability::StickyConnections],
    play: |stage| {
        async move {
            // The first intercept may replace the pod, and with it every connection.
            stage.intercept(Selection::All).await?;
            stage.leave().await?;
            stage.stop_workstation().await?;

            let mut held = stage.hold_connection().await?;
            stage
                .expect_held_at_the_pod("before the intercept", &mut held)
                .await?;
            stage.intercept(Selection::All).await?;
            if stage.broken_by(Fault::Reopened) {
                held = stage.hold_connection().await?;
            }
            stage
                .expect_held_at_the_pod("during the intercept", &mut held)
                .await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order", order, topology::served_on_the_workstation())
                .await?;
            stage.leave().await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "opened_anew",
        fault: Fault::Reopened,
        judged: Judged::FailsWithoutCause,
    }],
};
