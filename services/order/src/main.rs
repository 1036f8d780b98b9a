//! The process of order-service.

use std::process::ExitCode;

use clap::Parser;
use order_service::{Config, routes};

fn main() -> ExitCode {
    let config = Config::parse();
    telemetry::run(
        "order-service",
        env!("CARGO_PKG_VERSION"),
        &config.service,
        config.upstream_timeout,
        |kit| routes(kit, &config),
    )
}
