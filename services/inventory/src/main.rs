//! The process of inventory-service.

use std::process::ExitCode;

use clap::Parser;
use inventory_service::{Config, routes};

fn main() -> ExitCode {
    let config = Config::parse();
    telemetry::run(
        "inventory-service",
        env!("CARGO_PKG_VERSION"),
        &config.service,
        config.upstream_timeout,
        |_| routes(&config),
    )
}
