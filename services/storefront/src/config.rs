//! Flags and variables of storefront.

use std::time::Duration;

use telemetry::config::limit;
use telemetry::{BaseUrl, ServiceArgs};

/// Takes a checkout and forwards the order.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "storefront", version, after_help = EXAMPLES)]
pub struct Config {
    /// The settings that every service has.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// Base URL of order-service
    #[arg(
        long,
        env = "ORDER_URL",
        default_value = "http://order-service:8080",
        value_name = "URL"
    )]
    pub order_url: BaseUrl,

    /// Limit for a call to order-service; a checkout with `Prefer: wait=SECONDS` may take that long instead, up to ten
    /// minutes, or as short as 400 ms, which is what `wait=0` asks for
    #[arg(long, env = "UPSTREAM_TIMEOUT", default_value = "2s", value_name = "DURATION", value_parser = limit)]
    pub upstream_timeout: Duration,
}

const EXAMPLES: &str = "\
Examples:
  storefront --listen 127.0.0.1:8080 --order-url http://127.0.0.1:8081
  curl http://127.0.0.1:8080/checkout -d '{\"customer_id\":\"customer-42\",\"sku\":\"WIDGET-001\"}'
  curl 'http://127.0.0.1:8080/route?nonce=7'      who would answer an order right now

Spans are exported by the standard OTEL_* variables, logs filtered by RUST_LOG.";
