//! Behind a Service that names its target port by number, the traffic agent can't take the port's name over: an init container
//! redirects the pod's traffic instead.

use futures_util::FutureExt as _;
use testbed::{Arrangement, Capability, Selection};

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_numeric_target_port_is_intercepted_too",
    about: "targetPort 8080 instead of its name: the order is one trace across the workstation, and after leave the pod answers",
    needs: &[Capability::Arrange],
    play: |stage| {
        async move {
            stage.arrange(Arrangement::NumericPort).await?;
            stage.intercept_watched(Selection::All).await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order", order, topology::served_on_the_workstation())
                .await?;
            stage.leave().await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order after leave", order, topology::served_in_the_cluster())
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "intercept_off",
        fault: Fault::NoIntercept,
        judged: Judged::Fails(CauseKind::WrongSite),
    }],
};
