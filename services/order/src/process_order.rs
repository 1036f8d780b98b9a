//! `process_order`: the function in which the walkthrough sets its breakpoint.

use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// An order that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    /// The order's id, new for each order.
    pub order_id: String,
    /// What it costs, in the shop's currency.
    pub total: f64,
}

/// Turns a checked request into an order.
///
/// Made to be stopped in. It is not async, so that it is one place in the binary; not inlined, so that it is a frame of its
/// own; `customer_id` is a plain `&str` (pointer and length), which a debugger can show without formatters; and the first
/// line of the body is a plain statement, not a macro, behind which the span is open: a pause there is in the trace.
#[tracing::instrument(name = "process_order", skip_all)]
#[inline(never)]
#[must_use]
pub fn process_order(customer_id: &str, quantity: u32, unit_cents: u32) -> Processed {
    let total_cents = u64::from(quantity) * u64::from(unit_cents); // breakpoint: `customer_id`, `quantity`, `unit_cents`
    let order_id = new_order_id(customer_id);
    Processed {
        order_id,
        total: total_cents as f64 / 100.0,
    }
}

/// An id that tells whose order it is, as far as that makes an id: `ord-customer-42-9f31c0de12ab34ef`.
fn new_order_id(customer_id: &str) -> String {
    let readable: String = customer_id
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .take(24)
        .collect();
    format!("ord-{readable}-{}", RandomIdGenerator::default().new_span_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_costs_its_pieces() {
        assert_eq!(process_order("customer-42", 3, 1250).total, 37.5);
        assert_eq!(
            process_order("customer-42", 1000, u32::MAX).total,
            42_949_672_950.0
        );
    }

    #[test]
    fn every_order_has_an_id_of_its_own() {
        let id = || process_order("größe 42/\"", 1, 1).order_id;
        assert_ne!(id(), id());
        assert!(id().starts_with("ord-gr--e-42---"), "{}", id());
    }
}
