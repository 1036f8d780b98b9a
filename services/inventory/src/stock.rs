//! The stock: which articles there are, and how many of each. Checking takes nothing out of it, so that the same order
//! can be placed as often as somebody likes.

use serde::{Deserialize, Serialize};

/// An article and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Stock keeping unit.
    pub sku: &'static str,
    /// Pieces in stock.
    pub quantity: u32,
}

/// All articles: plenty, some, few, none.
pub const STOCK: [Level; 4] = [
    Level {
        sku: "WIDGET-001",
        quantity: 1000,
    },
    Level {
        sku: "GADGET-001",
        quantity: 25,
    },
    Level {
        sku: "GIZMO-001",
        quantity: 2,
    },
    Level {
        sku: "SOLDOUT-001",
        quantity: 0,
    },
];

/// The answer to a stock question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Stock keeping unit.
    pub sku: String,
    /// Whether there is at least one piece.
    pub available: bool,
    /// Pieces in stock.
    pub quantity: u32,
}

impl Stock {
    /// Looks an article up; `None` for one that is unknown.
    #[must_use]
    pub fn of(sku: &str) -> Option<Self> {
        let level = STOCK.iter().find(|level| level.sku == sku)?;
        Some(Self {
            sku: sku.to_owned(),
            available: level.quantity > 0,
            quantity: level.quantity,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_article_of_each_kind() {
        assert_eq!(
            Stock::of("WIDGET-001").map(|stock| (stock.available, stock.quantity)),
            Some((true, 1000))
        );
        assert_eq!(
            Stock::of("SOLDOUT-001").map(|stock| (stock.available, stock.quantity)),
            Some((false, 0))
        );
        assert_eq!(Stock::of("widget-001"), None);
    }
}
