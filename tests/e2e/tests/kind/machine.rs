//! What a run must leave on this machine as it was: clusters, Telepresence's device, DNS chain, routing rules and daemons, temporary
//! files, the user's own files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::processes_of;

/// How the names of the tests' clusters begin.
pub(crate) const PREFIX: &str = "throughline-test";
/// How long the kernel and Docker may take to be done with what was ended.
const LIMIT: Duration = Duration::from_secs(15);

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The tests' clusters, by the containers of their nodes.
    pub(crate) nodes: BTreeSet<String>,
    /// Network devices of Telepresence.
    devices: BTreeSet<String>,
    /// Routing rules, whoever made them.
    rules: BTreeSet<String>,
    /// Whether DNS is caught.
    chain: bool,
    /// Processes of Telepresence that are not ended.
    daemons: BTreeSet<String>,
    /// Temporary files of the programs under test.
    temporary: BTreeSet<PathBuf>,
    /// The user's own kubeconfig.
    kubeconfig: Option<Vec<u8>>,
    /// What Telepresence keeps for the user.
    cache: BTreeSet<PathBuf>,
}

impl Machine {
    /// Looks at it, with what is in this folder for temporary files.
    pub(crate) fn now(temporary: &Path) -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let of_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let lines = |text: String| {
            text.lines()
                .map(|line| line.trim().to_owned())
                .collect::<BTreeSet<_>>()
        };
        let nodes = lines(output("docker", ["ps", "-a", "--format", "{{.Names}}"]));
        let links = lines(output("ip", ["-br", "link"]));
        Self {
            nodes: nodes
                .into_iter()
                .filter(|name| name.starts_with(PREFIX))
                .collect(),
            devices: links.into_iter().filter(|line| line.starts_with("tel")).collect(),
            rules: lines(output("ip", ["-4", "rule"]) + &output("ip", ["-6", "rule"])),
            chain: nat_rules().contains("TELEPRESENCE_DNS"),
            daemons: daemons(),
            temporary: files(temporary),
            kubeconfig: of_home(".kube/config").and_then(|path| std::fs::read(path).ok()),
            cache: of_home(".cache/telepresence").map_or_else(BTreeSet::new, |path| files(&path)),
        }
    }

    /// Waits until the machine is as it was before, with no process of `run`; or tells what differs.
    #[track_caller]
    pub(crate) fn expect_again(&self, temporary: &Path, run: &str) {
        let limit = Instant::now() + LIMIT;
        loop {
            let (now, processes) = (Self::now(temporary), processes_of(run));
            if now == *self && processes.is_empty() {
                return;
            }
            assert!(
                Instant::now() < limit,
                "run {run} left something; processes {processes:?}\nbefore {self:#?}\nafter {now:#?}"
            );
            std::thread::yield_now();
        }
    }
}

/// Only root may look at them.
fn nat_rules() -> String {
    let look = ["iptables", "-t", "nat", "-S"];
    if rustix::process::geteuid().is_root() {
        output(look[0], &look[1..])
    } else {
        output("sudo", ["-n"].iter().chain(&look))
    }
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Command lines of living processes of Telepresence; a dead one that nobody reaps has none.
fn daemons() -> BTreeSet<String> {
    let processes = files(Path::new("/proc"));
    let lines = processes.iter().filter_map(|process| {
        let line = std::fs::read(process.join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines
        .filter(|line| {
            line.split(' ')
                .next()
                .is_some_and(|program| program.ends_with("telepresence"))
        })
        .collect()
}

/// A connection that somebody else made, in a home of their own.
pub(crate) struct Daemon {
    home: PathBuf,
}

impl Drop for Daemon {
    /// A test that failed leaves it to nobody.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.quit();
        }
    }
}

impl Daemon {
    pub(crate) fn connect(home: &Path, kubeconfig: &Path) -> Self {
        let daemon = Self {
            home: home.to_owned(),
        };
        let kubeconfig = kubeconfig.to_str().expect("UTF-8");
        daemon.ask(&["connect", "--namespace", "demo", "--kubeconfig", kubeconfig]);
        daemon
    }

    /// To what it is connected, and its process.
    pub(crate) fn status(&self) -> (String, BTreeSet<String>) {
        let status: Value = serde_json::from_str(&self.ask(&["status", "--format", "json"])).expect("JSON");
        let connected = format!(
            "{} {}",
            status["user_daemon"]["status"], status["user_daemon"]["kubernetes_context"]
        );
        (connected, daemons())
    }

    pub(crate) fn quit(&self) {
        self.ask(&["quit", "-s"]);
    }

    fn ask(&self, args: &[&str]) -> String {
        let mut command = command("telepresence");
        command.args(args).env("HOME", &self.home);
        finish(command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test uses the machine as a person does"
)]
fn command(program: &str) -> Command {
    Command::new(program)
}

/// What a program of the machine prints.
#[track_caller]
pub(crate) fn output<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> String {
    finish(command(program).args(args))
}

#[track_caller]
fn finish(command: &mut Command) -> String {
    let done = command.output().expect("it can be run");
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}
