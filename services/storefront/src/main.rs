//! The process of storefront.

use std::process::ExitCode;

use clap::Parser;
use storefront::{Config, routes};

fn main() -> ExitCode {
    let config = Config::parse();
    telemetry::run(
        "storefront",
        env!("CARGO_PKG_VERSION"),
        &config.service,
        config.upstream_timeout,
        |kit| routes(kit, &config),
    )
}
