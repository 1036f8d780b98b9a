//! The walkthrough's search: Jaeger finds the workstation's spans by their version.

use futures_util::FutureExt as _;
use testbed::Selection;
use trace::names;

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "debug_spans_are_found_by_version",
    about: "a search for service.version=local-debug in Jaeger finds the intercepted order's trace",
    needs: &[],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            let order = stage.order(Order::known()).await;
            let trace_id = order.trace_id();
            stage
                .judge("order", order, topology::served_on_the_workstation())
                .await?;
            stage
                .expect_search_finds(
                    topology::ORDER,
                    (names::SERVICE_VERSION, names::LOCAL_DEBUG),
                    trace_id,
                )
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "wrong_version",
        fault: Fault::Workstation(&[(
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.version=1.0.0,deployment.environment=debug",
        )]),
        judged: Judged::Fails(CauseKind::WrongVersion),
    }],
};
