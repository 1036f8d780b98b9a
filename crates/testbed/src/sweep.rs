//! Finishing the undo of runs that were killed.

mod dead_run;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dead_run::DeadRun;

use crate::deadline::Deadline;
use crate::event::Events;
use crate::explain::{Class, Explain};
use crate::process::{Mark, lives};
use crate::run_dir::{Claim, RootLock, RunDir};
use crate::run_id::RunId;
use crate::signal::Signals;
use crate::undo::{Damage, Identity, Replay, UndoReport};
use crate::wait::{self, Probe};

/// How long a process may need from its start to its own program.
const ORPHAN_LIMIT: Duration = Duration::from_millis(500);

/// How to sweep.
#[derive(Debug, Clone)]
pub struct SweepOptions {
    /// Whether to undo what `--keep` left standing too: yes for `cargo xtask down`, no before a run.
    pub kept: bool,
    /// The first Ctrl-C ends the sweep after the deed that is going on, the second skips grace, the third leaves.
    /// What is not done stays in the journals.
    pub signals: Signals,
    /// Where to tell of each deed.
    pub events: Option<Events>,
}

/// What a sweep found and did. Runs that left nothing are only counted.
#[derive(Debug, Default)]
pub struct SweepReport {
    /// Runs whose runner lives; they were left alone.
    pub live: Vec<LiveRun>,
    /// Runs that had left something.
    pub swept: Vec<SweptRun>,
    /// Runs that had left nothing.
    pub clean: usize,
}

/// A run whose runner lives, or that somebody else is sweeping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRun {
    /// The run.
    pub run: RunId,
    /// Its directory.
    pub dir: PathBuf,
    /// The runner's process id, when it is known.
    pub runner: Option<u32>,
}

/// A dead runner's run.
#[derive(Debug)]
pub struct SweptRun {
    /// The run.
    pub run: RunId,
    /// Its directory.
    pub dir: PathBuf,
    /// What became of its entries.
    pub undo: UndoReport,
    /// Processes that carried its mark and belonged to no entry that was undone.
    pub strays: usize,
    /// Lines of its journal that make no sense: what they announced is not known.
    pub damage: Vec<Damage>,
}

/// The runs cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot look for earlier runs in {}", root.display())]
pub struct SweepError {
    /// The folder that holds the directories of all runs.
    pub root: PathBuf,
    /// The operating system's reason.
    pub source: io::Error,
}

impl Explain for SweepError {
    fn class(&self) -> Class {
        Class::Prerequisite
    }
}

impl SweptRun {
    /// Whether anything was undone or tried; not when all that it left was kept on purpose.
    #[must_use]
    pub fn did_something(&self) -> bool {
        !self.undo.done.is_empty() || !self.undo.failed.is_empty() || self.strays > 0
    }
}

impl SweepReport {
    /// Whether nothing is left of dead runs that was not kept on purpose.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.swept
            .iter()
            .all(|run| run.undo.complete() && run.damage.is_empty())
    }
}

/// Undoes what dead runners under this root left: their outstanding deeds in reverse order, then every process that
/// still carries their mark. Living runs are left alone. Doing it twice is fine.
///
/// # Errors
/// The root cannot be read, or nothing can be locked in it. A root that is not there is an empty one.
pub async fn sweep(root: &Path, options: &SweepOptions) -> Result<SweepReport, SweepError> {
    let failed = |source| SweepError {
        root: root.to_owned(),
        source,
    };
    let mut report = SweepReport::default();
    // Children carry the path without links.
    let root = match root.canonicalize() {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(report),
        Err(error) => return Err(failed(error)),
    };
    let carried = Mark::carried();
    for (run, dir) in RunDir::all(&root).map_err(failed)? {
        let runner = || {
            Replay::of_file(&dir.file(RunDir::JOURNAL))
                .ok()?
                .begin
                .map(|begin| begin.runner)
        };
        let lock = match claim(&root, &dir, runner).await.map_err(failed)? {
            Claim::Gone => continue,
            Claim::Ours(lock) => Some(lock),
            Claim::CannotTell if !runner().is_some_and(lives) => None,
            Claim::Taken | Claim::CannotTell => {
                let runner = runner().map(|runner| runner.pid);
                report.live.push(LiveRun {
                    run,
                    dir: dir.path().to_owned(),
                    runner,
                });
                continue;
            }
        };
        let mut dead = DeadRun::open(run, dir, lock, options);
        if dead.has_left(&carried) {
            report.swept.push(dead.undo(options).await);
        } else {
            report.clean += 1;
        }
    }
    Ok(report)
}

/// Tries to own a run. What a dead runner was just starting may hold its lock until it runs a program of its own.
async fn claim(root: &Path, dir: &RunDir, runner: impl Fn() -> Option<Identity>) -> io::Result<Claim> {
    let try_once = || RootLock::take(root)?.claim(dir);
    let first = try_once()?;
    if !matches!(first, Claim::Taken) || runner().is_none_or(lives) {
        return Ok(first);
    }
    let soon = Deadline::after(ORPHAN_LIMIT);
    let freed = wait::until(&soon, "the lock of a dead run", || async {
        match try_once() {
            Ok(Claim::Taken) => Probe::not_yet("taken"),
            Ok(claim) => Probe::Ready(claim),
            Err(error) => Probe::Broken(error),
        }
    });
    // Somebody else sweeps it.
    Ok(freed.await.unwrap_or(Claim::Taken))
}
