//! Flags and variables that every service has, parsed once.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

/// The part of the command line that is the same in every service.
#[derive(Debug, Clone, clap::Args)]
pub struct ServiceArgs {
    /// Address to listen on; port 0 picks a free one
    #[arg(
        long,
        env = "THROUGHLINE_LISTEN",
        default_value = "0.0.0.0:8080",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// Where this process runs: becomes the resource attribute `throughline.site`
    #[arg(long, env = "THROUGHLINE_SITE", value_name = "SITE")]
    pub site: Option<Site>,

    /// Misbehave on purpose, so that a proof can be seen to fail
    #[arg(long, env = "THROUGHLINE_FAULT", value_name = "FAULT")]
    pub fault: Option<Fault>,
}

/// Where a process runs for the purposes of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// Inside the cluster
    Cluster,
    /// On the developer's machine
    Workstation,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cluster => "cluster",
            Self::Workstation => "workstation",
        })
    }
}

/// Faults on purpose, for twins of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Outgoing calls carry neither traceparent nor tracestate
    DropTraceparent,
    /// Each batch of spans is exported twice
    ExportTwice,
    /// Spans are counted as exported and thrown away
    LoseSpans,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DropTraceparent => "drop-traceparent",
            Self::ExportTwice => "export-twice",
            Self::LoseSpans => "lose-spans",
        })
    }
}

/// A duration as people write it: `2s`, `250ms`, `1m 30s`.
///
/// # Errors
/// The text is no duration, or a negative one.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "expected a duration such as `2s` or `250ms`".to_owned())?;
    Duration::try_from(signed).map_err(|_| "a duration cannot be negative".to_owned())
}
