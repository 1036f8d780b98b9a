//! That what has come up works: see [`crate::probe`].

use testbed::{Endpoints, Run};

use super::limits;
use crate::error::ClusterError;
use crate::probe;

/// Sends an order through the services and a span through the Collector, until both arrive.
///
/// # Errors
/// One does not, with what came last.
pub(crate) async fn prove(run: &Run, endpoints: &Endpoints) -> Result<(), ClusterError> {
    // On the heap: an unoptimised build holds a future several times on its worker's stack.
    let proof = Box::pin(async {
        let deadline = run.deadline(limits::PROOF);
        let order = probe::order_goes_through(&endpoints.storefront, &deadline);
        let span = probe::span_arrives(&endpoints.otlp_http, &endpoints.jaeger, &deadline);
        tokio::try_join!(order, span)
    });
    let limit = limits::PROOF + limits::EXPLANATION;
    run.step("order and span through the cluster", limit, proof)
        .await?;
    Ok(())
}
