//! The process of storefront.

use std::process::ExitCode;

use clap::Parser;
use storefront::{Config, routes};

fn main() -> ExitCode {
    let config = Config::parse();
    let service = telemetry::Service {
        name: "storefront",
        version: env!("CARGO_PKG_VERSION"),
        args: &config.service,
        upstream_timeout: config.upstream_timeout,
    };
    telemetry::run(&service, |kit| routes(kit, &config))
}
