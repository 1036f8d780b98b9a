//! An intercept without a process behind it: the caller sees an error, and the verdict names it.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use testbed::Selection;
use trace::{At, Expectation, SpanKind, SpanSelector};

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;
use crate::stage::UNANSWERED;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "an_absent_workstation_process_is_an_error_and_is_named",
    about: "intercepted, but nobody listens: 502 or 504 to the caller, the trace ends at storefront, the cause is named",
    needs: &[],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            let order = if stage.broken_by(Fault::WorkstationStays) {
                Order::known()
            } else {
                stage.stop_workstation().await?;
                Order::known().waiting(UNANSWERED)
            };
            let order = stage.order(order).await;
            let expected = vec![
                // Telepresence holds the request until the caller gives up (504); a proxy that is refused says so at once (502).
                Expectation::StatusOneOf(BTreeSet::from([502, 504])),
                Expectation::Connected,
                Expectation::NoStray,
                Expectation::Error {
                    select: SpanSelector::at(&At::cluster(topology::STOREFRONT)).kind(SpanKind::Client),
                },
                Expectation::Absent {
                    select: SpanSelector::service(topology::ORDER),
                },
                Expectation::Absent {
                    select: SpanSelector::service(topology::INVENTORY),
                },
            ];
            stage.judge("order", order.clone(), expected).await?;
            stage
                .expect_failure_named(
                    "the same order, judged as if it had been served",
                    order,
                    topology::served_on_the_workstation(),
                    CauseKind::Unreachable,
                )
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "somebody_answers",
        fault: Fault::WorkstationStays,
        judged: Judged::FailsWithoutCause,
    }],
};
