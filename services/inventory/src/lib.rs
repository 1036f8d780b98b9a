//! inventory-service: answers whether an article is in stock.

mod config;
mod routes;
mod stock;

pub use config::Config;
pub use routes::routes;
pub use stock::{Level, STOCK, Stock};
