//! order-service: takes orders and asks the inventory; the service that is intercepted.
//!
//! A request to `POST /api/orders` makes a server span, below it `create-order`, and below that the call to the inventory
//! and [`process_order`](process_order::process_order).

mod apart;
mod config;
mod create;
mod error;
mod new_order;
mod prices;
pub mod process_order;

use axum::Router;
use axum::routing::post;
use telemetry::{Fault, Kit, Routes};

pub use config::Config;
pub use create::Created;
pub use error::OrderError;
pub use new_order::NewOrder;
pub use prices::PRICES;

/// `POST /api/orders`.
pub fn routes(kit: &Kit, config: &Config) -> Routes {
    let inventory = kit
        .client
        .upstream("inventory-service", config.inventory_url.clone());
    let shop = create::Shop {
        inventory,
        lose_context: config.service.fault == Some(Fault::LoseContext),
    };
    Routes {
        traced: Router::new()
            .route("/api/orders", post(create::create))
            .with_state(shop),
        untraced: Router::new(),
    }
}
