//! A filtered intercept takes only the requests with the debug header.

use futures_util::FutureExt as _;
use testbed::{Capability, Selection};
use trace::names;

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "only_requests_with_the_header_reach_the_workstation",
    about: "a header-filtered intercept: matching orders on the workstation, others in the cluster, both whole",
    needs: &[Capability::HeaderIntercept],
    play: |stage| {
        async move {
            let value = stage.run_id();
            stage
                .intercept(Selection::Header {
                    name: names::DEBUG_HEADER.into(),
                    value: value.clone(),
                })
                .await?;
            let (with, without) = stage
                .order_both(
                    Order::known().with_header(names::DEBUG_HEADER, &value),
                    Order::known().with_header(names::DEBUG_HEADER, "somebody-else"),
                )
                .await;
            stage
                .judge("with the header", with, topology::served_on_the_workstation())
                .await?;
            stage
                .judge("with another value", without, topology::served_in_the_cluster())
                .await?;
            let plain = stage.order(Order::known()).await;
            stage
                .judge("without the header", plain, topology::served_in_the_cluster())
                .await
        }
        .boxed_local()
    },
    twins: &[
        Twin {
            name: "takes_everything",
            fault: Fault::UnfilteredIntercept,
            judged: Judged::Fails(CauseKind::WrongSite),
        },
        Twin {
            name: "intercept_off",
            fault: Fault::NoIntercept,
            judged: Judged::Fails(CauseKind::WrongSite),
        },
    ],
};
