//! One dead runner's run, and undoing it.

use std::collections::HashSet;
use std::io;
use std::time::Instant;

use super::{SweepOptions, SweptRun};
use crate::event::{Event, Events, Outcome};
use crate::explain::chain;
use crate::lease::LeaseError;
use crate::process::{Mark, Marked, Place, ProcessSpec};
use crate::run_dir::{RunDir, RunLock};
use crate::run_id::RunId;
use crate::undo::{
    Damage, Journal, LeftBecause, Needed, Outstanding, Record, Replay, Scene, UndoError, UndoFailure,
    UndoLeft, UndoReport,
};

/// A dead runner's run that we own.
#[derive(Debug)]
pub(super) struct DeadRun {
    run: RunId,
    scene: Scene,
    journal: Option<Journal>,
    outstanding: Vec<Outstanding>,
    damage: Vec<Damage>,
    report: UndoReport,
    _lock: Option<RunLock>,
}

impl DeadRun {
    /// Reads what it had begun.
    pub(super) fn open(run: RunId, dir: RunDir, lock: Option<RunLock>, options: &SweepOptions) -> Self {
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

    /// Whether there is anything to do or to tell.
    pub(super) fn has_left(&self, carried: &HashSet<Mark>) -> bool {
        !self.outstanding.is_empty()
            || !self.damage.is_empty()
            || !self.report.complete()
            || carried.contains(&self.scene.place.mark)
    }

    /// Does its deeds in reverse, but leaves what a failed one needs; and ends what still carries its mark.
    pub(super) async fn undo(&mut self, options: &SweepOptions) -> SweptRun {
        let mut needed = Needed::default();
        for entry in std::mem::take(&mut self.outstanding).into_iter().rev() {
            let because = match needed.because(entry.seq) {
                _ if entry.kept && !options.kept => Some(LeftBecause::Kept),
                _ if options.signals.interrupted().is_cancelled() => Some(LeftBecause::NoTime),
                because => because,
            };
            let not_done = match because {
                Some(because) => Some(self.leave(&entry, because)),
                None => self.undo_one(&entry, options).await,
            };
            if let Some(because) = not_done {
                needed.hold(&entry.needs, &because);
            }
        }
        let mut left = self.report.left.iter();
        let keeps = left.any(|left| left.because == LeftBecause::Kept);
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

    /// Does one deed. Why what it needs has to stay, when it is not done.
    async fn undo_one(&mut self, entry: &Outstanding, options: &SweepOptions) -> Option<LeftBecause> {
        let name = entry.name.clone();
        let holder = format!("the undo of run {} (pid {})", self.run, std::process::id());
        let lease = entry.leased.as_ref().map(|leased| leased.take(&holder));
        let lease = match lease.transpose() {
            Err(LeaseError::Held { holder, .. }) => {
                return Some(self.leave(entry, LeftBecause::InUse { by: holder }));
            }
            lease => lease,
        };
        let begun = Instant::now();
        let deed = async {
            // Held until the deed is done: nobody shall begin to use what is going away.
            let _lease = lease?;
            self.scene.perform(&name, entry.deed.clone(), entry.process).await
        };
        let result = tokio::select! {
            biased;
            result = deed => result,
            () = options.signals.leave().cancelled_owned() => {
                return Some(self.leave(entry, LeftBecause::NoTime));
            }
        };
        let outcome = match &result {
            Ok(()) => Outcome::Ok,
            Err(error) => Outcome::Failed {
                error: chain(error),
                hint: error.hint(),
            },
        };
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.write(entry.seq, Record::Done(outcome.clone()))
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
            Ok(()) => {
                self.report.done.push(name);
                None
            }
            Err(error) => {
                let because = LeftBecause::Needed { by: name.clone() };
                self.report.failed.push(UndoFailure { name, error });
                Some(because)
            }
        }
    }

    fn leave(&mut self, entry: &Outstanding, because: LeftBecause) -> LeftBecause {
        let left = UndoLeft {
            name: entry.name.clone(),
            by_hand: entry.deed.to_string(),
            because: because.clone(),
        };
        self.scene.place.events.emit(left.event());
        self.report.left.push(left);
        because
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
