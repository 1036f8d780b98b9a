//! The fault [`Fault::LoseContext`](telemetry::Fault::LoseContext): the order is processed by a task of its own, and nobody
//! hands it the context.
//!
//! The mistake is a common one: `tokio::spawn` without `.instrument(span)`. The request id is handed over, as many services
//! do for their logs, and is the only thing by which the two traces are known to belong together.

use std::panic::resume_unwind;

use opentelemetry::Context;
use telemetry::Correlation;

use crate::new_order::NewOrder;
use crate::process_order::{Processed, process_order};

/// As [`process_order`], in a trace of its own.
pub(crate) async fn process(order: &NewOrder, unit_cents: u32) -> Processed {
    let correlation = Correlation::current();
    let (customer_id, quantity) = (order.customer_id.clone(), order.quantity);
    let task = tokio::spawn(async move {
        let cx = Context::new();
        let _attached = match correlation {
            Some(correlation) => cx.with_value(correlation).attach(),
            None => cx.attach(),
        };
        process_order(&customer_id, quantity, unit_cents)
    });
    // Nobody cancels the task, so it ended or panicked; a panic belongs to the request.
    task.await
        .unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
