//! The undo stack: what has to be undone is known before it is done, and survives the runner.
//!
//! [`Deed`]s are data. They are written to the run's journal before they are needed, so that after `kill -9` of the
//! runner the next run, or `cargo xtask down`, does them: see [`sweep`](crate::sweep::sweep). What ends with the
//! runner's own process anyway (servers, connections) is undone by code, and not worth a journal.

mod deed;
mod error;
mod journal;
mod needed;
mod perform;
mod report;
mod unwind;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

pub use deed::Deed;
pub use error::UndoError;
pub use journal::Damage;
pub use report::{LeftBecause, UndoFailure, UndoLeft, UndoReport};

pub(crate) use journal::{Begin, Identity, Journal, Outstanding, Record, Replay};
pub(crate) use needed::Needed;
pub(crate) use perform::{Scene, scratch_prefix};
use unwind::{Action, Entry};

use crate::explain::BoxError;
use crate::lease::Leased;
use crate::process::{Group, identify};
use crate::signal::Signals;

/// Names an entry of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UndoId(u64);

/// The stack of a run. It lives outside the futures that fill it, so that what they began is undone wherever they were
/// cut off. Clones share one stack.
#[derive(Debug, Clone)]
pub struct Undo {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stack: Mutex<Stack>,
    scene: Scene,
    signals: Signals,
}

#[derive(Debug)]
struct Stack {
    last: u64,
    entries: Vec<Entry>,
    /// Gone once it could not be written.
    journal: Option<Journal>,
}

impl Undo {
    /// An empty stack.
    pub(crate) fn new(scene: Scene, journal: Journal, signals: Signals) -> Self {
        let stack = Mutex::new(Stack {
            last: 0,
            entries: Vec::new(),
            journal: Some(journal),
        });
        Self {
            shared: Arc::new(Shared {
                stack,
                scene,
                signals,
            }),
        }
    }

    /// Puts a deed on the stack, and into the journal. Call it *before* doing what the deed undoes.
    ///
    /// A journal that cannot be written is reported once as a warning: the run itself still undoes everything.
    pub fn push(&self, name: impl Into<String>, deed: Deed) -> UndoId {
        self.add_deed(name.into(), deed, Vec::new(), None)
    }

    /// As [`Undo::push`], for a deed that needs what earlier entries undo: the program that it runs, the credentials that it
    /// takes. As long as it is not done, those entries are left too, so that whoever tries it again finds what it needs.
    pub fn push_needing(&self, name: impl Into<String>, deed: Deed, needs: &[UndoId]) -> UndoId {
        let needs = needs.iter().map(|need| need.0).collect();
        self.add_deed(name.into(), deed, needs, None)
    }

    /// As [`Undo::push`], for a deed on something that may stay and that only one run can use at a time. This run has the
    /// lease. Whoever comes after it takes the lease for the deed, and leaves what another run is using.
    pub fn push_leased(&self, name: impl Into<String>, deed: Deed, leased: Leased) -> UndoId {
        self.add_deed(name.into(), deed, Vec::new(), Some(leased))
    }

    /// Puts something on the stack that only this process can undo and that ends with it anyway, such as a server that
    /// runs in it. It has ten seconds; the second Ctrl-C skips it.
    pub fn push_in_process<F>(&self, name: impl Into<String>, undo: F) -> UndoId
    where
        F: FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send + 'static,
    {
        self.push_in_process_within(name, perform::LIMIT, undo)
    }

    /// As [`Undo::push_in_process`], with another limit.
    pub fn push_in_process_within<F>(&self, name: impl Into<String>, limit: Duration, undo: F) -> UndoId
    where
        F: FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send + 'static,
    {
        let (name, action) = (
            name.into(),
            Action::InProcess {
                undo: Box::new(undo),
                limit,
            },
        );
        self.add(name.clone(), action, Vec::new(), Record::InProcess { name })
    }

    /// Takes an entry off: it was undone by other means, or never came to be.
    pub fn done(&self, id: UndoId) {
        let mut stack = self.stack();
        let before = stack.entries.len();
        stack.entries.retain(|entry| entry.id != id);
        if stack.entries.len() < before {
            self.record(&mut stack, id, Record::Done(crate::Outcome::Ok));
        }
    }

    /// Lets a [`Deed::Remove`] or [`Deed::Command`] stay undone when the run is over, for `--keep`. It stays in the
    /// journal, the next run leaves it alone, and `cargo xtask down` does it. Processes and what runs inside this
    /// process can't be kept: for those nothing happens.
    pub fn keep(&self, id: UndoId) {
        let mut stack = self.stack();
        let entry = stack.entries.iter_mut().find(|entry| entry.id == id);
        if let Some(entry) = entry
            && matches!(
                entry.action,
                Action::Deed(Deed::Remove { .. } | Deed::Command { .. })
            )
        {
            entry.kept = true;
            self.record(&mut stack, id, Record::Kept(true));
        }
    }

    /// The names of what is on the stack, first pushed first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.stack()
            .entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    }

    /// Undoes everything, last in first out, each bounded; goes on after failures, but leaves what a failed entry needs.
    /// The second Ctrl-C skips grace, the third ends it with what is left.
    pub async fn unwind(&self) -> UndoReport {
        let mut report = UndoReport::default();
        let mut needed = Needed::default();
        let leave = self.shared.signals.leave();
        loop {
            // Taken in a statement of its own: the lock must not be held across the await below.
            let entry = self.stack().entries.pop();
            let Some(entry) = entry else { break };
            let because = match needed.because(entry.id.0) {
                _ if entry.kept => Some(LeftBecause::Kept),
                _ if leave.is_cancelled() => Some(LeftBecause::NoTime),
                because => because,
            };
            if let Some(because) = because {
                needed.hold(&entry.needs, &because);
                self.leave(&mut report, entry.left(because));
                continue;
            }
            let left = entry.left(LeftBecause::NoTime);
            let (id, name, needs) = (entry.id, entry.name.clone(), entry.needs.clone());
            let undone = tokio::select! {
                biased;
                undone = entry.undo(&self.shared.scene) => undone,
                () = leave.cancelled() => {
                    self.leave(&mut report, left);
                    continue;
                }
            };
            self.record(&mut self.stack(), id, Record::Done(undone.outcome()));
            self.shared.scene.place.events.emit(undone.event(&name));
            match undone.result {
                Ok(_) => report.done.push(name),
                Err(error) => {
                    needed.hold(&needs, &LeftBecause::Needed { by: name.clone() });
                    report.failed.push(UndoFailure { name, error });
                }
            }
        }
        report
    }

    fn leave(&self, report: &mut UndoReport, left: Option<UndoLeft>) {
        if let Some(left) = left {
            self.shared.scene.place.events.emit(left.event());
            report.left.push(left);
        }
    }

    /// The process of an entry exists now.
    pub(crate) fn started(&self, id: UndoId, group: &Arc<Group>) {
        let mut stack = self.stack();
        if let Some(entry) = stack.entries.iter_mut().find(|entry| entry.id == id) {
            entry.action = Action::Group(Arc::clone(group));
        }
        self.record(&mut stack, id, Record::Process(identify(group.pid())));
    }

    /// Where the deeds are done.
    pub(crate) fn scene(&self) -> &Scene {
        &self.shared.scene
    }

    fn add_deed(&self, name: String, deed: Deed, needs: Vec<u64>, leased: Option<Leased>) -> UndoId {
        let action = Action::Deed(deed.clone());
        let record = Record::Push {
            name: name.clone(),
            deed,
            needs: needs.clone(),
            leased,
        };
        self.add(name, action, needs, record)
    }

    fn add(&self, name: String, action: Action, needs: Vec<u64>, record: Record) -> UndoId {
        let mut stack = self.stack();
        stack.last += 1;
        let id = UndoId(stack.last);
        self.record(&mut stack, id, record);
        stack.entries.push(Entry {
            id,
            name,
            action,
            needs,
            kept: false,
        });
        id
    }

    fn record(&self, stack: &mut Stack, id: UndoId, record: Record) {
        let Some(journal) = &mut stack.journal else { return };
        if let Err(error) = journal.write(id.0, record) {
            let text = format!(
                "cannot write {}: {error}; if this run is killed, nobody knows what it left",
                journal.path().display()
            );
            self.shared
                .scene
                .place
                .events
                .warn(text, Some("free space on that file system".to_owned()));
            stack.journal = None;
        }
    }

    fn stack(&self) -> MutexGuard<'_, Stack> {
        self.shared.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    /// Only says so. Children are killed by their own guard; the rest is in the journal.
    fn drop(&mut self) {
        let stack = self.stack.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !stack.entries.is_empty() {
            let names: Vec<&str> = stack.entries.iter().map(|entry| entry.name.as_str()).collect();
            let text = format!("the run ended without undoing: {}", names.join(", "));
            self.scene
                .place
                .events
                .warn(text, Some("`cargo xtask down`".to_owned()));
        }
    }
}

#[cfg(all(test, target_os = "linux"))] // for /dev/full
mod tests {
    use super::*;
    use crate::event::{Event, Events};
    use crate::process::{Mark, Place};
    use crate::run_dir::RunDir;

    #[tokio::test]
    async fn a_full_disk_is_told_once_and_everything_is_still_undone() {
        let root = tempfile::tempdir().unwrap();
        let (run, dir, _lock) = RunDir::create(root.path()).unwrap();
        let (events, mut receiver) = Events::unrecorded();
        let signals = Signals::manual();
        let file = dir.file("thing");
        let place = Place {
            mark: Mark::new(&run, &dir),
            dir,
            events,
            hurry: signals.hurry(),
        };
        let undo = Undo::new(
            Scene {
                place,
                temp: "/tmp".into(),
            },
            Journal::on_a_full_disk(),
            signals,
        );
        for name in ["one", "two"] {
            undo.push(name, Deed::Remove { path: file.clone() });
        }
        std::fs::write(&file, "").unwrap();
        let report = undo.unwind().await;
        assert_eq!(
            (report.done.as_slice(), file.exists()),
            (&["two".to_owned(), "one".to_owned()][..], false)
        );
        let warnings: Vec<String> = std::iter::from_fn(|| receiver.try_recv())
            .filter_map(|event| {
                if let Event::Warning { text, .. } = event {
                    Some(text)
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("No space left on device"), "{warnings:?}");
    }
}
