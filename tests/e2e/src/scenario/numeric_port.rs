//! A Service that names its pods' port by number needs more of an intercept than one that names it by name.

use futures_util::FutureExt as _;
use testbed::{Arrangement, Capability, Selection};

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_numeric_target_port_is_intercepted_like_a_named_one",
    about: "the Service says targetPort: 8080 instead of http: the order is one trace, and leaving gives the traffic back",
    needs: &[Capability::Arrange],
    play: |stage| {
        async move {
            stage.arrange(Arrangement::NumericPort).await?;
            stage.intercept_watched(Selection::All).await?;
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
