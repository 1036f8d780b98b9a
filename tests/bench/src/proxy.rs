//! What the intercept proxy adds to a request's latency, beside nginx and HAProxy as reverse proxies.

mod contestant;
mod load;
mod measure;
mod process;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

pub(crate) use process::{ProxyOptions, UpstreamOptions, proxy, upstream};

/// How much is sent, how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Requests a second, sent by timetable whether or not earlier ones have been answered
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Connections that they are sent on in turn, kept alive
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Seconds that each is measured in each round
    #[arg(long, default_value = "5", value_parser = seconds)]
    time: Duration,
    /// Rounds; each measures everybody in another order
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Folder for `proxy.json` and `proxy.md`
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseFloatError> {
    text.parse().map(Duration::from_secs_f64)
}

pub(crate) async fn measure(options: Options) -> Result<()> {
    let root = options.out.join("runs");
    crate::bed::run(root, |run| async move { measure::all(&run, &options).await }).await
}
