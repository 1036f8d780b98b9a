//! The process of inventory-service.

use std::process::ExitCode;

use clap::Parser;
use inventory_service::{Config, routes};

fn main() -> ExitCode {
    let config = Config::parse();
    let service = telemetry::Service {
        name: "inventory-service",
        version: env!("CARGO_PKG_VERSION"),
        args: &config.service,
        upstream_timeout: config.upstream_timeout,
    };
    telemetry::run(&service, |_kit| routes(&config))
}
