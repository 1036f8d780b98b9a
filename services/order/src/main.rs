//! The process of order-service.

use std::process::ExitCode;

use clap::Parser;
use order_service::{Config, routes};

fn main() -> ExitCode {
    let config = Config::parse();
    let service = telemetry::Service {
        name: "order-service",
        version: env!("CARGO_PKG_VERSION"),
        args: &config.service,
        upstream_timeout: config.upstream_timeout,
    };
    telemetry::run(&service, |kit| routes(&kit, &config))
}
