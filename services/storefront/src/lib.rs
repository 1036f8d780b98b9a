//! storefront: takes a checkout and forwards the order; the caller inside the cluster.

mod checkout;
mod config;
mod route;

use axum::Router;
use axum::routing::{get, post};
use telemetry::{Kit, Routes};

pub use config::Config;
pub use route::Path;

/// `POST /checkout`, and `GET /route` without a span.
pub fn routes(kit: Kit, config: &Config) -> Routes {
    let order = kit.client.upstream("order-service", config.order_url.clone());
    Routes {
        traced: Router::new()
            .route("/checkout", post(checkout::checkout))
            .with_state(order.clone()),
        untraced: Router::new()
            .route("/route", get(route::route))
            .with_state((kit.telemetry, order)),
    }
}
