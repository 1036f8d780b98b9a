//! How long after the answer to an order its whole trace can be read through Jaeger's API, in the embedded environment.

pub(crate) mod orders;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use embedded::{EmbeddedConfig, EmbeddedEnvironment, ServiceBinaries};
use serde::Serialize;
use testbed::Environment;

use crate::report::{self, Table};
use crate::usage::Machine;
use orders::Summary;

/// What it may take for 99 of 100 orders, milliseconds.
const LIMIT: f64 = 100.0;

/// How many orders.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Folder of the service binaries [default: the folder of this program]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Orders, one after the other
    #[arg(long, default_value_t = 1_000)]
    orders: usize,
    /// Folder for `settle.json` and `settle.md`
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

#[derive(Debug, Serialize)]
struct Results {
    what: &'static str,
    machine: Machine,
    binaries: PathBuf,
    #[serde(flatten)]
    summary: Summary,
}

pub(crate) async fn measure(options: Options) -> Result<()> {
    ensure!(options.orders > 0, "nothing is measured with no order");
    let binaries = match &options.bin_dir {
        Some(folder) => folder.clone(),
        None => std::env::current_exe()?
            .parent()
            .context("this program has no folder")?
            .to_owned(),
    };
    let config = EmbeddedConfig::new(ServiceBinaries {
        storefront: binaries.join("storefront"),
        order: binaries.join("order-service"),
        inventory: binaries.join("inventory-service"),
    });
    let root = options.out.join("runs");
    let count = options.orders;
    let summary = crate::bed::run(root, |run| async move {
        let mut environment = EmbeddedEnvironment::new(config);
        if let Some(missing) = environment.preflight().await.into_iter().next() {
            bail!("{}: {}", missing.fact, missing.cure);
        }
        let endpoints = environment.up(&run).await?;
        orders::place(&run, &endpoints.storefront, &endpoints.jaeger, count).await
    })
    .await?;
    let results = Results {
        what: "settle",
        machine: Machine::this()?,
        binaries,
        summary,
    };
    report::publish(&options.out, "settle", &results, &markdown(&results))
}

fn markdown(results: &Results) -> String {
    let summary = &results.summary;
    let table = Table {
        head: vec!["orders", "p50, ms", "p90, ms", "p99, ms", "most, ms"],
        rows: vec![summary.cells()],
    };
    let verdict = if summary.p99_ms <= LIMIT { "met" } else { "MISSED" };
    format!(
        "# From the answer to the whole trace\n\n\
         Orders through the embedded environment, one after the other; from the end of the answer until the query API \
         returns all {} spans. Binaries in {}. {}, {} cores, Linux {}.\n\n{}\n\
         - p99: {:.1} ms (at most {LIMIT} ms: {verdict})\n",
        orders::SPANS,
        results.binaries.display(),
        results.machine.cpu,
        results.machine.cores,
        results.machine.kernel,
        table.markdown(),
        summary.p99_ms,
    )
}
