//! The `throughline-bench` program: measures our parts beside their rivals, on the same machine in the same run.

mod bed;
mod ingest;
mod kind;
mod proxy;
mod report;
mod sample;
mod settle;
mod up;
mod usage;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures Throughline's parts beside their rivals.
#[derive(Debug, Parser)]
#[command(name = "throughline-bench", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Spans received, stored and queryable per second of CPU, and bytes for each: our receiver, Jaeger, the Collector
    Ingest(ingest::Options),
    /// Latency that the intercept proxy adds: nobody in between, our proxy, nginx, HAProxy
    Proxy(proxy::Options),
    /// Time from nothing to the first order that the embedded environment answers
    Up(up::Options),
    /// Time from an order's answer to its whole trace in the query API
    Settle(settle::Options),
    /// The environment on kind: from nothing beside the same by hand, on a warm cluster, and many whole runs
    Kind(kind::Options),
    /// The receiver that is measured, as a process of its own
    #[command(hide = true)]
    Receiver(ingest::ReceiverOptions),
    /// The proxy that is measured, as a process of its own
    #[command(hide = true)]
    ProxyProcess(proxy::ProxyOptions),
    /// The server behind every proxy, as a process of its own
    #[command(hide = true)]
    Upstream(proxy::UpstreamOptions),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Ingest(options) => ingest::measure(options).await,
        Verb::Receiver(options) => ingest::receive(options).await,
        Verb::Proxy(options) => proxy::measure(options).await,
        Verb::Up(options) => up::measure(options).await,
        Verb::Settle(options) => settle::measure(options).await,
        Verb::Kind(options) => kind::measure(options).await,
        Verb::ProxyProcess(options) => proxy::proxy(&options),
        Verb::Upstream(options) => proxy::upstream(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(anstream::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
