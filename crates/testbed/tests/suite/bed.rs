//! What the tests of this suite share: a run in a folder of its own, and a look at processes that are not our children.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::wait::{self, Probe};
use testbed::{
    Deadline, EnvironmentName, Event, EventReceiver, Process, ProcessSpec, Run, RunOptions, Signals,
};

/// A run in a folder of its own.
pub(crate) struct Bed {
    pub(crate) run: Run,
    pub(crate) events: EventReceiver,
    pub(crate) signals: Signals,
    root: tempfile::TempDir,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let signals = Signals::manual();
        let (run, events) = Run::begin(options(root.path(), &signals)).unwrap();
        Self {
            run,
            events,
            signals,
            root,
        }
    }

    /// The folder of all runs.
    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    /// The events so far.
    pub(crate) fn seen(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv()).collect()
    }

    /// The texts of the warnings so far.
    pub(crate) fn warnings(&mut self) -> Vec<String> {
        let text = |event| match event {
            Event::Warning { text, .. } => Some(text),
            _ => None,
        };
        self.seen().into_iter().filter_map(text).collect()
    }
}

pub(crate) fn options(root: &Path, signals: &Signals) -> RunOptions {
    RunOptions {
        root: root.to_owned(),
        environment: EnvironmentName::Embedded,
        keep: false,
        signals: signals.clone(),
    }
}

/// A shell script as a child.
pub(crate) fn shell(name: &str, script: &str) -> ProcessSpec {
    ProcessSpec::new(name, "sh").args(["-c", script])
}

/// Long enough for a busy machine.
pub(crate) fn generous() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

/// Waits for a line that begins with this, and answers its rest.
pub(crate) async fn told(process: &Process, prefix: &str) -> String {
    process
        .line(&generous(), |line| line.strip_prefix(prefix).map(str::to_owned))
        .await
        .unwrap()
}

/// Waits for a line with process ids.
pub(crate) async fn pids(process: &Process, prefix: &str) -> Vec<i32> {
    told(process, prefix)
        .await
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Whether a process lives; a zombie does not.
pub(crate) fn alive(pid: i32) -> bool {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    } else {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::test_kill_process(pid).is_ok()
    }
}

/// Waits until none of them lives.
pub(crate) async fn gone(pids: &[i32]) {
    let look = || async {
        let left: Vec<i32> = pids.iter().copied().filter(|&pid| alive(pid)).collect();
        if left.is_empty() {
            Probe::<(), Infallible>::Ready(())
        } else {
            Probe::not_yet(format!("{left:?} live"))
        }
    };
    wait::until(&generous(), "the end of processes", look)
        .await
        .unwrap();
}

/// Waits until there is such a file.
pub(crate) async fn there(file: &Path) {
    let look = || async {
        match file.exists() {
            true => Probe::<(), Infallible>::Ready(()),
            false => Probe::not_yet("not there"),
        }
    };
    wait::until(&generous(), "a file", look).await.unwrap();
}
