//! The command line of `throughline`, which `cargo xtask` passes on untouched.

mod kubernetes;
mod workshop;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use testbed::Selection;

pub use kubernetes::{CollectorProfile, KindArgs};
pub use workshop::{WorkshopArgs, WorkshopVerb};

/// Proves that a distributed trace stays whole when a Kubernetes service is intercepted to a workstation.
#[derive(Debug, Parser)]
#[command(
    name = "throughline",
    version,
    max_term_width = 120,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring an environment up, run the scenarios, judge their traces, undo everything
    E2e(E2eArgs),
    /// Play the same scenarios in two environments and compare the shapes of their traces
    Parity(ParityArgs),
    /// Bring an environment up, follow every request through it, and play with it
    Demo(DemoArgs),
    /// Send order-service's traffic to a process of your own, with the variables of the intercepted container
    Intercept(InterceptArgs),
    /// Draw the README's pictures from a run
    Docs(DocsArgs),
    /// Finish the undo of runs that were killed
    Down(DownArgs),
    /// Lead through the workshop: its steps, and whether your runs have shown what a step is about
    Workshop(WorkshopArgs),
    /// Say what is missing for each environment, with the command that cures it
    Doctor(DoctorArgs),
    /// Take out of a cluster what a run put there; the undo of `--env context` calls it
    #[command(hide = true)]
    Withdraw {
        /// What to take out, as a run's journal has it
        what: String,
    },
    /// Have the kernel forget where it led questions for names; a run of a user who is not root calls it through `sudo`
    #[command(hide = true)]
    ForgetQuestions,
    /// List the exit codes and their meaning
    ExitCodes,
    /// Print what a shell needs to complete verbs and flags
    Completions(CompletionsArgs),
}

/// Which environment to run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EnvironmentChoice {
    /// The most faithful one that this machine has everything for
    Auto,
    /// Without Docker: real service processes, our receiver, store, query API and intercept proxy
    Embedded,
    /// Real Collector and Jaeger in containers, the rest as embedded
    Containers,
    /// Real Kubernetes in kind, with the real Collector, Jaeger and Telepresence
    Kind,
    /// The same in a cluster that is there already: see `--context`
    Context,
}

/// How results are written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line per step and scenario, for people
    Human,
    /// One event per line, for programs
    Json,
}

/// How a pipeline's log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CiChoice {
    /// As the variables of the pipeline say
    #[default]
    Auto,
    /// As for a person at a terminal
    Off,
    /// Everything on standard output, in order, without colours, each line with its time
    Plain,
    /// For GitHub Actions: folded steps, annotations and a job summary
    Github,
}

/// Arguments of `e2e`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  cargo xtask e2e                                             everything, in the best environment there is
  cargo xtask e2e --list                                      the scenarios and their twins
  cargo xtask e2e --scenario baseline_stays_in_the_cluster    one scenario with its twins
  cargo xtask e2e --repeat 20 --fail-fast                     look for a flake
  cargo xtask e2e --env context --context staging             in a cluster that you already have
  cargo xtask e2e --format json | jq .event                   for programs")]
pub struct E2eArgs {
    /// Environment to run in
    #[arg(
        long = "env",
        value_name = "ENV",
        default_value = "auto",
        env = "THROUGHLINE_ENV"
    )]
    pub environment: EnvironmentChoice,
    /// What `--env kind` and `--env context` are made of.
    #[command(flatten)]
    pub kind: KindArgs,
    /// Run only this scenario with its twins, or only this twin (`scenario/twin`); may be repeated
    #[arg(long, value_name = "NAME")]
    pub scenario: Vec<String>,
    /// Leave the twins out
    #[arg(long)]
    pub no_twins: bool,
    /// List scenarios and twins, and stop
    #[arg(long)]
    pub list: bool,
    /// Keep what was brought up, on kind the cluster, elsewhere all of it until Ctrl-C; collect evidence in any case
    #[arg(long)]
    pub keep: bool,
    /// Run the selection this many times in one environment
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Stop at the first scenario that is not as expected
    #[arg(long)]
    pub fail_fast: bool,
    /// How long spans may take to arrive before a request is inconclusive [default: 10s embedded, 30s elsewhere]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub settle_limit: Option<Duration>,
    /// What standard output carries
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// How a pipeline's log is written: `auto` looks at `GITHUB_ACTIONS` and `CI`; without a value `plain`
    #[arg(long, value_name = "MODE", default_value = "auto", env = "THROUGHLINE_CI",
        num_args = 0..=1, default_missing_value = "plain", require_equals = true)]
    pub ci: CiChoice,
    /// Write the JUnit report of the run directory here too
    #[arg(long, value_name = "FILE", env = "THROUGHLINE_JUNIT")]
    pub junit: Option<PathBuf>,
    /// Show every step of a scenario and what convinced the judge
    #[arg(long, short)]
    pub verbose: bool,
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `parity`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  cargo xtask parity                                  everything that both `embedded` and `kind` can play
  cargo xtask parity --scenario baseline_stays_in_the_cluster
  cargo xtask parity --from RUN_DIR RUN_DIR           two runs that were played already
  cargo xtask parity -- --collector batched           with flags of `e2e` for both sides")]
pub struct ParityArgs {
    /// The one environment
    #[arg(long, value_name = "ENV", default_value = "embedded")]
    pub left: EnvironmentChoice,
    /// The other environment
    #[arg(long, value_name = "ENV", default_value = "kind")]
    pub right: EnvironmentChoice,
    /// Compare two runs that were played already, by their directories, instead of playing
    #[arg(long, value_name = "RUN_DIR", num_args = 2, conflicts_with_all = ["left", "right", "scenario", "no_twins", "e2e"])]
    pub from: Vec<PathBuf>,
    /// Compare only this scenario with its twins, or only this twin (`scenario/twin`); may be repeated
    #[arg(long, value_name = "NAME")]
    pub scenario: Vec<String>,
    /// Leave the twins out
    #[arg(long)]
    pub no_twins: bool,
    /// Folder for `parity.json`, `parity.md` and `parity.html` [default: the directory of the second run]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
    /// Further flags of `e2e`, for both sides
    #[arg(value_name = "E2E FLAGS", last = true)]
    pub e2e: Vec<OsString>,
}

/// Arguments of `demo`.
#[derive(Debug, Clone, Args)]
#[command(after_help = demo_help())]
pub struct DemoArgs {
    /// Environment to run in
    #[arg(
        long = "env",
        value_name = "ENV",
        default_value = "auto",
        env = "THROUGHLINE_ENV"
    )]
    pub environment: EnvironmentChoice,
    /// What `--env kind` is made of.
    #[command(flatten)]
    pub kind: KindArgs,
    /// Leave the cluster up for the next run; a cluster that was kept is used in any case
    #[arg(long)]
    pub keep: bool,
    /// What standard output carries
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Show what is undone, too
    #[arg(long, short)]
    pub verbose: bool,
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `intercept`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  cargo xtask intercept -- cargo run -p order-service             your own edits, with real traffic
  cargo xtask intercept --watch -- cargo run -p order-service     started anew whenever a source changes
  cargo xtask intercept --header x-debug=me -- target/debug/order-service
                                                                  only requests with that header
  cargo xtask intercept                                           for a debugger: holds the intercept, writes the
                                                                  variables to target/throughline/order-service.env
  cargo xtask intercept --env kind -- cargo test -p order-service a command that ends gives its exit code

The command ends with Ctrl-C or by itself; then the traffic is given back, and that is proven. It is told where to
listen by THROUGHLINE_LISTEN.")]
pub struct InterceptArgs {
    /// Environment to run in
    #[arg(
        long = "env",
        value_name = "ENV",
        default_value = "auto",
        env = "THROUGHLINE_ENV"
    )]
    pub environment: EnvironmentChoice,
    /// What `--env kind` is made of.
    #[command(flatten)]
    pub kind: KindArgs,
    /// Take only the requests with this header; the services pass on no other one than `x-debug`
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::switch::by_header)]
    pub header: Option<Selection>,
    /// Where the process listens [default: 127.0.0.1:8080 on Kubernetes, a free port of 127.0.0.1 elsewhere]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Start the command anew when a source of order-service changes
    #[arg(long)]
    pub watch: bool,
    /// Watch this file or folder instead; may be repeated
    #[arg(long, value_name = "PATH")]
    pub watch_path: Vec<PathBuf>,
    /// Print the variables of the intercepted process, one `KEY=value` a line
    #[arg(long)]
    pub print_env: bool,
    /// Leave the cluster up for the next run; a cluster that was kept is used in any case
    #[arg(long)]
    pub keep: bool,
    /// What standard output carries
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Show what is undone, too
    #[arg(long, short)]
    pub verbose: bool,
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
    /// The command that runs order-service; without it the intercept waits for a process that you start
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Arguments of `completions`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  alias xtask='cargo xtask'; source <(cargo xtask completions bash)
  cargo xtask completions fish > ~/.config/fish/completions/xtask.fish")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
    /// A verb of `cargo xtask` that this program does not have
    #[arg(long, value_name = "NAME=ABOUT", hide = true)]
    pub also: Vec<String>,
}

/// Arguments of `docs`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  cargo xtask docs            draw the pictures again
  cargo xtask docs --check    only say whether they are still true; exit code 10 when they are not")]
pub struct DocsArgs {
    /// Write nothing; say whether the pictures that are there are what a run looks like, times aside
    #[arg(long)]
    pub check: bool,
    /// Folder of the pictures
    #[arg(
        long,
        value_name = "DIR",
        default_value = "docs/pictures",
        overrides_with = "folder"
    )]
    pub folder: PathBuf,
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `down`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  cargo xtask down            finish the undo of runs that were killed, and take down what `--keep` kept")]
pub struct DownArgs {
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `doctor`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  cargo xtask doctor                       what is missing for each environment, with its cure
  cargo xtask doctor -v                    and what is in order
  cargo xtask doctor --context staging     what is in the way in a cluster that you already have
  cargo xtask doctor --format json         one environment per line, for programs")]
pub struct DoctorArgs {
    /// Show what is in order too
    #[arg(long, short)]
    pub verbose: bool,
    /// What standard output carries
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// What `--env kind` and `--env context` are made of.
    #[command(flatten)]
    pub kind: KindArgs,
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
}

/// Where things are on disk.
#[derive(Debug, Clone, Default, Args)]
pub struct Places {
    /// Folder of the run directories [default: `throughline` in cargo's target folder]
    #[arg(long, value_name = "DIR", env = "THROUGHLINE_ROOT")]
    pub root: Option<PathBuf>,
    /// Folder of the service binaries [default: the folder of this program]
    #[arg(long, value_name = "DIR", env = "THROUGHLINE_BIN_DIR")]
    pub bin_dir: Option<PathBuf>,
}

/// Examples and commands of the demo.
fn demo_help() -> String {
    format!(
        "Commands, one a line on standard input:\n{}
Examples:
  cargo xtask demo                                                        to play
  printf 'order\\nintercept\\norder\\nquit\\n' | cargo xtask demo            as a script

At the end of a piped input the demo goes on following requests until Ctrl-C; a script's first command that fails ends it.",
        indented(&crate::demo::help())
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// A length of time as people write it: `1s`, `250ms`, `1m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(signed).map_err(|_| "a length of time can't be negative".to_owned())
}
