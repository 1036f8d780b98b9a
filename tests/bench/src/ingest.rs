//! How many spans a second of CPU receives, stores and makes queryable, and what each takes of memory.

mod load;
mod measure;
mod receiver;
mod sender;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;

pub(crate) use receiver::{ReceiverOptions, receive};

use load::Shape;

/// What is sent, to whom, how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Who receives; those that aren't there are left out
    #[arg(long, value_delimiter = ',', default_values_t = [Who::Throughline, Who::Jaeger, Who::Collector])]
    who: Vec<Who>,
    /// How spans make traces
    #[arg(long, value_delimiter = ',', default_values_t = [Shape::Own, Shape::Request])]
    shape: Vec<Shape>,
    /// Spans in one run
    #[arg(long, default_value_t = 1_000_000)]
    spans: u64,
    /// Runs of each, in turns
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Most seconds that one run may take to send
    #[arg(long, default_value = "120", value_parser = seconds)]
    limit: Duration,
    /// Folder for `ingest.json` and `ingest.md`
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseFloatError> {
    text.parse().map(Duration::from_secs_f64)
}

/// Who receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Who {
    /// Our receiver and store
    Throughline,
    /// Jaeger 2.13 with memory storage, in a container
    Jaeger,
    /// The Collector with the debug exporter, which stores nothing, in a container
    Collector,
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Throughline => "throughline",
            Self::Jaeger => "jaeger",
            Self::Collector => "collector",
        })
    }
}

pub(crate) async fn measure(options: Options) -> Result<()> {
    let root = options.out.join("runs");
    crate::bed::run(root, |run| async move { measure::all(&run, &options).await }).await
}
