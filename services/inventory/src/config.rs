//! Flags and variables of inventory-service.

use std::time::Duration;

use telemetry::ServiceArgs;
use telemetry::config::{duration, limit};

/// Answers whether an article is in stock.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "inventory-service", version, after_help = EXAMPLES)]
pub struct Config {
    /// The settings that every service has.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// Wait this long before answering a stock question
    #[arg(long, env = "RESPONSE_DELAY", default_value = "0s", value_name = "DURATION", value_parser = duration)]
    pub response_delay: Duration,

    /// Limit for a call to another service; this one makes none
    #[arg(long, env = "UPSTREAM_TIMEOUT", default_value = "2s", value_name = "DURATION", value_parser = limit)]
    pub upstream_timeout: Duration,
}

const EXAMPLES: &str = "\
Examples:
  inventory-service --listen 127.0.0.1:8082
  inventory-service --listen 127.0.0.1:0 --response-delay 3s
  curl 'http://127.0.0.1:8082/api/check?sku=WIDGET-001'

Articles: WIDGET-001, GADGET-001, GIZMO-001 (few), SOLDOUT-001 (none); every other one is unknown.
Spans are exported by the standard OTEL_* variables, logs filtered by RUST_LOG.";
