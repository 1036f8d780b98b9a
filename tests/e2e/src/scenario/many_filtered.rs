//! A filtered intercept has to last for more requests than there is room for kept connections.

use futures_util::FutureExt as _;
use testbed::{Capability, Selection};
use trace::names;

use super::{Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

/// More than the 256 for which Telepresence's client has room, by more than are under way at the same time.
const REQUESTS: usize = 272;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "a_filtered_intercept_serves_more_than_256_requests",
    about: "272 requests with the header, each on a connection of its own, are answered by the workstation, and so is the next order",
    needs: &[Capability::HeaderIntercept],
    play: |stage| {
        async move {
            let value = stage.run_id();
            let selection = Selection::Header {
                name: names::DEBUG_HEADER.into(),
                value: value.clone(),
            };
            stage.intercept(selection).await?;
            if !stage
                .expect_requests_answered_here(REQUESTS, Some(&value))
                .await?
            {
                // An order would wait for its time limit too, and show nothing more.
                return Ok(());
            }
            let order = stage
                .order(Order::known().with_header(names::DEBUG_HEADER, &value))
                .await;
            stage
                .judge("after them", order, topology::served_on_the_workstation())
                .await
        }
        .boxed_local()
    },
    twins: &[Twin {
        name: "connections_kept_open",
        fault: Fault::KeptConnections,
        judged: Judged::FailsWithoutCause,
    }],
};
