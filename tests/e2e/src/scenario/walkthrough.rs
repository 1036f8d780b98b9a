//! The walkthrough that this project automates, step by step in its own words.

use futures_util::FutureExt as _;
use testbed::{Capability, Selection};
use trace::names;

use super::{Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "the_walkthrough_from_connect_to_quit",
    about: "helm install, connect, list, intercept, orders from the cluster and from the workstation, found in Jaeger, leave, quit",
    needs: &[Capability::Connection],
    play: |stage| {
        async move {
            stage.connect().await?;
            stage.expect_interceptable(topology::ORDER).await?;
            stage.expect_cluster_names().await?;
            stage.intercept(Selection::All).await?;
            stage.expect_export_into_the_cluster().await?;

            // `POST /api/orders`: from inside the cluster by the storefront, and from here by the Service's name.
            let order_service = stage.endpoints().workstation_order.clone();
            let (inside, outside) = stage
                .order_both(Order::known(), Order::known().straight_to(&order_service))
                .await;
            let (first, second) = (inside.trace_id(), outside.trace_id());
            let inventory = topology::asks_inventory_at(&stage.endpoints().workstation_inventory);
            let mut expected = topology::served_on_the_workstation();
            expected.push(inventory.clone());
            stage.judge("from inside the cluster", inside, expected).await?;
            let mut expected = topology::sent_and_served_on_the_workstation();
            expected.push(inventory);
            stage.judge("from the workstation", outside, expected).await?;
            for trace_id in [first, second] {
                let debug = (names::SERVICE_VERSION, names::LOCAL_DEBUG);
                stage
                    .expect_search_finds(topology::ORDER, debug, trace_id)
                    .await?;
            }

            stage.leave().await?;
            let after = stage.order(Order::known()).await;
            stage
                .judge("after leave", after, topology::served_in_the_cluster())
                .await?;
            stage.disconnect().await?;
            stage.expect_no_cluster_names().await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "not_quit",
        fault: Fault::NotDisconnected,
        judged: Judged::FailsWithoutCause,
    }],
};
