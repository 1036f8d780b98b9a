//! Finishing the undo of runs that were killed.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::event::{Event, Events, Outcome};
use crate::explain::{Class, Explain, chain};
use crate::process::{Mark, Marked, Place, ProcessSpec, lives};
use crate::run_dir::{Claim, RootLock, RunDir, RunLock};
use crate::run_id::RunId;
use crate::signal::Signals;
use crate::undo::{
    Damage, Deed, Journal, Outstanding, Record, Replay, Scene, UndoError, UndoFailure, UndoLeft, UndoReport,
};

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

/// A run whose runner lives.
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
        let claim = RootLock::take(&root)
            .and_then(|lock| lock.claim(&dir))
            .map_err(failed)?;
        let runner = || {
            let begin = Replay::of_file(&dir.file(RunDir::JOURNAL)).ok()?.begin?;
            Some(begin.runner)
        };
        let lock = match claim {
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

/// A dead runner's run that we own.
#[derive(Debug)]
struct DeadRun {
    run: RunId,
    scene: Scene,
    journal: Option<Journal>,
    outstanding: Vec<Outstanding>,
    damage: Vec<Damage>,
    report: UndoReport,
    _lock: Option<RunLock>,
}

impl DeadRun {
    fn open(run: RunId, dir: RunDir, lock: Option<RunLock>, options: &SweepOptions) -> Self {
        let mut report = UndoReport::default();
        let (journal, replay) = match Journal::reopen(dir.file(RunDir::JOURNAL)) {
            Ok((journal, replay)) => (Some(journal), replay),
            // It was killed before it wrote anything.
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, Replay::default()),
            Err(error) => {
                report.failed.push(UndoFailure {
                    name: "read the journal".to_owned(),
                    error: error.into(),
                });
                (None, Replay::default())
            }
        };
        let place = Place {
            mark: Mark::new(&run, &dir),
            dir,
            events: options.events.clone().unwrap_or_else(|| Events::unrecorded().0),
            hurry: options.signals.hurry(),
        };
        let temp = replay.begin.map_or_else(std::env::temp_dir, |begin| begin.temp);
        let scene = Scene { place, temp };
        Self {
            run,
            scene,
            journal,
            outstanding: replay.outstanding,
            damage: replay.damage,
            report,
            _lock: lock,
        }
    }

    fn has_left(&self, carried: &HashSet<Mark>) -> bool {
        !self.outstanding.is_empty()
            || !self.damage.is_empty()
            || !self.report.complete()
            || carried.contains(&self.scene.place.mark)
    }

    async fn undo(&mut self, options: &SweepOptions) -> SweptRun {
        let mut keeps = false;
        for entry in std::mem::take(&mut self.outstanding).into_iter().rev() {
            let kept = entry.kept && !options.kept;
            keeps |= kept;
            if kept || options.signals.interrupted().is_cancelled() {
                self.leave(entry.name, &entry.deed, kept);
            } else {
                self.undo_one(entry, options).await;
            }
        }
        let mut strays = 0;
        // What was kept may have processes of its own, such as Telepresence's daemons.
        if !keeps && !options.signals.interrupted().is_cancelled() {
            let everything = Marked {
                mark: &self.scene.place.mark,
                name: None,
            };
            match everything.stop(ProcessSpec::GRACE, &self.scene.place.hurry).await {
                Ok(found) => strays = found,
                Err(pids) => self
                    .report
                    .failed
                    .push(UndoFailure::still_running(&self.run, pids)),
            }
        }
        SweptRun {
            run: self.run.clone(),
            dir: self.scene.place.dir.path().to_owned(),
            undo: std::mem::take(&mut self.report),
            strays,
            damage: std::mem::take(&mut self.damage),
        }
    }

    async fn undo_one(&mut self, entry: Outstanding, options: &SweepOptions) {
        let Outstanding {
            seq,
            name,
            deed,
            process,
            ..
        } = entry;
        let begun = Instant::now();
        let result = tokio::select! {
            biased;
            result = self.scene.perform(&name, deed.clone(), process) => result,
            () = options.signals.leave().cancelled_owned() => return self.leave(name, &deed, false),
        };
        let outcome = match &result {
            Ok(()) => Outcome::Ok,
            Err(error) => Outcome::Failed {
                error: chain(error),
                hint: error.hint(),
            },
        };
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.write(seq, Record::Done(outcome.clone()))
        {
            // It will be done once more by the next sweep, which is harmless.
            self.scene.place.events.warn(
                format!("cannot write {}: {error}", journal.path().display()),
                None,
            );
        }
        self.scene.place.events.emit(Event::UndoFinished {
            name: name.clone(),
            took: begun.elapsed(),
            outcome,
        });
        match result {
            Ok(()) => self.report.done.push(name),
            Err(error) => self.report.failed.push(UndoFailure { name, error }),
        }
    }

    fn leave(&mut self, name: String, deed: &Deed, kept: bool) {
        self.report.left.push(UndoLeft {
            name,
            by_hand: deed.to_string(),
            kept,
        });
    }
}

impl UndoFailure {
    /// Processes of a run that nothing could end.
    pub(crate) fn still_running(run: &RunId, pids: Vec<i32>) -> Self {
        let name = "stray processes".to_owned();
        let error = UndoError::StillRunning {
            run: run.clone(),
            name: name.clone(),
            pids,
        }
        .into();
        Self { name, error }
    }
}
