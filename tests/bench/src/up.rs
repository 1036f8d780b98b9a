//! How long the embedded environment takes from nothing to the first order that is answered.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use embedded::{EmbeddedConfig, EmbeddedEnvironment, ServiceBinaries};
use serde::Serialize;
use serde_json::json;
use testbed::{Environment, Run};

use crate::report::{self, Table};
use crate::sample::{median, percentile};
use crate::usage::Machine;

/// What it may take at the median, milliseconds.
const LIMIT: f64 = 300.0;
/// How long the first order may take.
const ORDER: Duration = Duration::from_secs(10);

/// What is started, how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Folder of the service binaries [default: the folder of this program]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Times that everything is brought up, used once and brought down
    #[arg(long, default_value_t = 20)]
    runs: usize,
    /// Folder for `up.json` and `up.md`
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// What one start measured, milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Measured {
    /// Until the environment said that it is up.
    up_ms: f64,
    /// Until the first order was answered.
    first_order_ms: f64,
    /// From there until nothing was left.
    down_ms: f64,
}

#[derive(Debug, Serialize)]
struct Results {
    what: &'static str,
    machine: Machine,
    binaries: PathBuf,
    median: Measured,
    p90: Measured,
    runs: Vec<Measured>,
}

pub(crate) async fn measure(options: Options) -> Result<()> {
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
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let config = config.clone();
        let root = options.out.join("runs");
        let (up, first_order, began_down) =
            crate::bed::run(root, |run| async move { once(&run, config).await }).await?;
        runs.push(Measured {
            up_ms: millis(up),
            first_order_ms: millis(first_order),
            down_ms: millis(began_down.elapsed()),
        });
    }
    ensure!(!runs.is_empty(), "nothing was measured");
    let of = |figure: fn(&Measured) -> f64| runs.iter().map(figure).collect::<Vec<f64>>();
    let all = |share: fn(Vec<f64>) -> f64| Measured {
        up_ms: share(of(|run| run.up_ms)),
        first_order_ms: share(of(|run| run.first_order_ms)),
        down_ms: share(of(|run| run.down_ms)),
    };
    let results = Results {
        what: "up",
        machine: Machine::this()?,
        binaries,
        median: all(median),
        p90: all(|mut values| percentile(&mut values, 0.9)),
        runs,
    };
    report::publish(&options.out, "up", &results, &markdown(&results))
}

/// One start: how long it took, how long the first order took, and when the end began.
async fn once(run: &Run, config: EmbeddedConfig) -> Result<(Duration, Duration, Instant)> {
    let mut environment = EmbeddedEnvironment::new(config);
    if let Some(missing) = environment.preflight().await.into_iter().next() {
        bail!("{}: {}", missing.fact, missing.cure);
    }
    let began = Instant::now();
    let endpoints = environment.up(run).await?;
    let up = began.elapsed();
    let order = json!({"customer_id": "c-1", "sku": "WIDGET-001", "quantity": 1});
    let checkout = reqwest::Client::builder().no_proxy().timeout(ORDER).build()?;
    let answer = checkout
        .post(format!("{}/checkout", endpoints.storefront))
        .json(&order)
        .send()
        .await?;
    let status = answer.status();
    let body = answer.text().await?;
    ensure!(
        status.is_success(),
        "the first order was answered with {status}: {body}"
    );
    Ok((up, began.elapsed(), Instant::now()))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn markdown(results: &Results) -> String {
    let row = |name: &str, row: &Measured| {
        let figures = [row.up_ms, row.first_order_ms, row.down_ms].map(|figure| format!("{figure:.0}"));
        std::iter::once(name.to_owned()).chain(figures).collect()
    };
    let table = Table {
        head: vec!["", "up, ms", "first order answered, ms", "down again, ms"],
        rows: vec![row("median", &results.median), row("p90", &results.p90)],
    };
    let found = results.median.first_order_ms;
    let verdict = if found <= LIMIT { "met" } else { "MISSED" };
    format!(
        "# From nothing to the first order\n\n\
         {} starts of the embedded environment with the binaries in {}. {}, {} cores, Linux {}.\n\n{}\n\
         - first order answered, median: {found:.0} ms (at most {LIMIT} ms: {verdict})\n",
        results.runs.len(),
        results.binaries.display(),
        results.machine.cpu,
        results.machine.cores,
        results.machine.kernel,
        table.markdown(),
    )
}
