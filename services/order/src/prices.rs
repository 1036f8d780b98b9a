//! What articles cost. The inventory knows how many there are and nothing of money.

/// Articles and their price in cents.
pub const PRICES: [(&str, u32); 4] = [
    ("WIDGET-001", 1250),
    ("GADGET-001", 4999),
    ("GIZMO-001", 19_900),
    ("SOLDOUT-001", 700),
];

/// The price of an article in cents; `None` for one that is not sold here.
#[must_use]
pub(crate) fn price_of(sku: &str) -> Option<u32> {
    PRICES
        .iter()
        .find(|(known, _)| *known == sku)
        .map(|(_, cents)| *cents)
}
