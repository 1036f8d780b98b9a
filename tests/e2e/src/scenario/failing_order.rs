//! An order that fails is as traceable as one that succeeds.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use testbed::Selection;
use trace::{At, Expectation, Site, SpanSelector};

use super::{Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "failing_order_is_one_trace_with_an_error",
    about: "a sold-out article: 409 to the caller, one trace, error status on create-order",
    needs: &[],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            let failing = if stage.broken_by(Fault::HealthyOrder) {
                Order::known()
            } else {
                Order::sold_out()
            };
            let order = stage.order(failing).await;
            let mut expected = vec![
                Expectation::Status(409),
                topology::path_through(Site::Workstation),
                Expectation::Sites(BTreeSet::from([Site::Cluster, Site::Workstation])),
                Expectation::Error {
                    select: SpanSelector::at(&At::workstation(topology::ORDER)).named("create-order"),
                },
            ];
            expected.extend(topology::whole());
            stage.judge("sold-out order", order, expected).await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "order_succeeds",
        fault: Fault::HealthyOrder,
        judged: Judged::FailsWithoutCause,
    }],
};
