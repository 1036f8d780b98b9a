//! Flags and variables of order-service.

use std::time::Duration;

use telemetry::config::limit;
use telemetry::{BaseUrl, ServiceArgs};

/// Takes orders and asks the inventory.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "order-service", version, after_help = EXAMPLES)]
pub struct Config {
    /// The settings that every service has.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// Base URL of inventory-service
    #[arg(
        long,
        env = "INVENTORY_URL",
        default_value = "http://inventory-service:8080",
        value_name = "URL"
    )]
    pub inventory_url: BaseUrl,

    /// Limit for a call to inventory-service
    #[arg(long, env = "UPSTREAM_TIMEOUT", default_value = "2s", value_name = "DURATION", value_parser = limit)]
    pub upstream_timeout: Duration,
}

const EXAMPLES: &str = "\
Examples:
  order-service --listen 127.0.0.1:8081 --inventory-url http://127.0.0.1:8082
  THROUGHLINE_SITE=workstation OTEL_RESOURCE_ATTRIBUTES=service.version=local-debug order-service
  curl http://127.0.0.1:8081/api/orders -d '{\"customer_id\":\"customer-42\",\"sku\":\"WIDGET-001\",\"quantity\":2}'

Spans are exported by the standard OTEL_* variables, logs filtered by RUST_LOG.";
