//! The environment on kind beside the same by hand: from nothing to the first verdict, warm runs, intercepts, traces.

mod figures;
mod person;
mod played;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use testbed::{Call, Deed, ProcessSpec, Run};

use crate::report;
use crate::settle::orders;
use figures::{Cold, Figures, Measured, Warm};
use played::{Played, Player};

/// The scenario whose verdict counts as the first: what the walkthrough shows.
const FIRST: &str = "intercepted_order_is_one_trace";
/// The walkthrough in its own words.
const WALKTHROUGH: &str = "the_walkthrough_from_connect_to_quit";
/// How long `throughline down` may take.
const DOWN: Duration = Duration::from_secs(120);

/// What is measured, how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Folder of `throughline` and the services
    #[arg(long)]
    bin_dir: PathBuf,
    /// Folder of the services as static binaries for images: nobody builds while somebody measures
    #[arg(long)]
    image_bin_dir: PathBuf,
    /// Times that everything is measured; figures are medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Orders whose traces are waited for
    #[arg(long, default_value_t = 500)]
    orders: usize,
    /// Whole runs, one after the other, each from nothing: is there a flake?
    #[arg(long, default_value_t = 0)]
    runs: usize,
    /// Leave out the comparison from nothing
    #[arg(long)]
    no_cold: bool,
    /// Leave out what is measured on a warm cluster
    #[arg(long)]
    no_warm: bool,
    /// Folder for `kind.json` and `kind.md`
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

pub(crate) async fn measure(options: Options) -> Result<()> {
    std::fs::create_dir_all(&options.out)?;
    let root = std::path::absolute(options.out.join("runs"))?;
    crate::bed::run(root.clone(), |run| async move {
        let player = Player::new(&options.bin_dir, &options.image_bin_dir, root.join("kind"));
        let mut measured = Measured::default();
        if !options.no_cold {
            measured.cold = from_nothing(&run, &options, &player).await?;
        }
        if !options.no_warm {
            measured.warm = Some(warm(&run, &options, &player).await?);
        }
        for number in 1..=options.runs {
            let played = player.play(&run, &["--env", "kind"]).await?;
            progress(&format!(
                "whole run {number} of {}: {}",
                options.runs,
                played.gist()
            ));
            measured.whole.push(played.into());
        }
        let command = format!(
            "cargo xtask bench kind --no-cold --no-warm --runs {}",
            options.runs
        );
        let figures = Figures::of(measured, (options.runs > 0).then_some(command))?;
        report::publish(&options.out, "kind", &figures, &figures.markdown())
    })
    .await
}

/// From nothing, a person and the harness in turns.
async fn from_nothing(run: &Run, options: &Options, player: &Player) -> Result<Vec<Cold>> {
    let mut cold = Vec::new();
    for round in 1..=options.rounds {
        let name = format!("throughline-by-hand-{}-{round}", run.id());
        settle_the_disk();
        let by_hand = person::walks_through(run, &name, options).await?;
        progress(&format!("round {round} by hand: {}", by_hand.gist()));
        settle_the_disk();
        let harness = player
            .play(run, &["--env", "kind", "--scenario", FIRST, "--no-twins"])
            .await?;
        harness.must_pass()?;
        progress(&format!("round {round} by the harness: {}", harness.gist()));
        cold.push(Cold { by_hand, harness });
    }
    Ok(cold)
}

/// Has written what was left to be written: images that one cluster was given are no matter of the next one's start.
fn settle_the_disk() {
    rustix::fs::sync();
}

/// On a cluster that is kept from run to run.
async fn warm(run: &Run, options: &Options, player: &Player) -> Result<Warm> {
    run.undo().push("kept cluster", player.down());
    let keep = ["--env", "kind", "--keep"];
    let first = player
        .play(run, &[&keep[..], &["--scenario", FIRST, "--no-twins"]].concat())
        .await?;
    first.must_pass()?;
    progress(&format!("the cluster to keep: {}", first.gist()));
    let walkthrough = player.knows(run, WALKTHROUGH).await?;
    let mut warm = Warm::default();
    for round in 1..=options.rounds {
        let suite = player.play(run, &keep).await?;
        suite.must_pass()?;
        progress(&format!("round {round}, the suite: {}", suite.gist()));
        warm.suites.push(suite);
        if walkthrough {
            let alone = [&keep[..], &["--scenario", WALKTHROUGH, "--no-twins"]].concat();
            let alone = player.play(run, &alone).await?;
            alone.must_pass()?;
            progress(&format!("round {round}, the walkthrough: {}", alone.gist()));
            warm.walkthroughs.push(alone);
        }
    }
    let node = kept_node(run).await?;
    let storefront = published(run, &node, 30080).await?;
    let jaeger = published(run, &node, 30686).await?;
    let settled = orders::place(run, &storefront, &jaeger, options.orders).await?;
    progress(&format!(
        "{} orders: the whole trace after {:.0} ms in 99 of 100",
        settled.orders, settled.p99_ms
    ));
    warm.settled = Some(settled);
    Ok(warm)
}

/// The container of the kept cluster's node.
async fn kept_node(run: &Run) -> Result<String> {
    let names = docker(run, &["ps", "--format", "{{.Names}}"]).await?;
    let mut kept = names.lines().filter(|name| name.starts_with("throughline-kept-"));
    let node = kept.next().context("no cluster was kept")?;
    ensure!(kept.next().is_none(), "more than one cluster is kept");
    Ok(node.to_owned())
}

/// Where a port of a node's container is on this machine.
async fn published(run: &Run, node: &str, port: u16) -> Result<String> {
    let ports = docker(run, &["port", node, &format!("{port}/tcp")]).await?;
    let first = ports.lines().next().context("the port is not published")?;
    Ok(format!("http://{first}"))
}

async fn docker(run: &Run, args: &[&str]) -> Result<String> {
    let call = Call::new(ProcessSpec::new("docker", "docker").args(args.iter().copied()));
    let answer = run
        .call(&call, &run.deadline(Duration::from_secs(30)))
        .await?
        .success()?;
    Ok(answer.text())
}

/// Tells how far it is: minutes pass.
fn progress(line: &str) {
    use std::io::Write;
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(anstream::stderr(), "{line}");
}

impl Player {
    /// What takes down everything that its runs have kept.
    fn down(&self) -> Deed {
        let root = self.root().to_string_lossy().into_owned();
        Deed::command(self.program(), ["down", "--root", &root].map(str::to_owned), DOWN)
    }
}

impl From<Played> for figures::Whole {
    fn from(played: Played) -> Self {
        Self {
            passed: played.passed(),
            wall_ms: played.wall_ms,
            first_verdict_ms: played.first_verdict_ms,
            not_as_expected: played.not_as_expected,
        }
    }
}
