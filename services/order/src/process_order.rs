//! `process_order`: where the walkthrough sets its breakpoint.

use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// An order that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    /// `order.id`.
    pub order_id: String,
    /// `order.total`.
    pub total: f64,
}

/// Turns a request into an order.
#[inline(never)]
#[tracing::instrument(name = "process_order", skip_all)]
#[must_use]
pub fn process_order(customer_id: &str, sku: &str, quantity: u32) -> Processed {
    let unit_price = 12.5;
    let total = unit_price * f64::from(quantity);
    let order_id = format!("ord-{}", RandomIdGenerator::default().new_span_id());
    tracing::debug!(customer_id, sku, quantity, order_id, "processed an order");
    Processed { order_id, total }
}
