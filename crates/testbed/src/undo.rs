//! The undo stack: what has to be undone is known before it is done, and survives the runner.

mod deed;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub use deed::Deed;

use crate::event::{Event, Events, Outcome};
use crate::explain::{BoxError, chain};
use crate::process::Group;
use crate::signal::Signals;

/// Names an entry of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UndoId(u64);

/// What undoes something inside this process.
pub type InProcess = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send>;

/// The stack of a run. It lives outside the futures that fill it, so that what they began is undone wherever they were
/// cut off. Clones share one stack.
#[derive(Debug, Clone)]
pub struct Undo {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stack: Mutex<Stack>,
    events: Events,
    signals: Signals,
}

#[derive(Debug, Default)]
struct Stack {
    last: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    id: UndoId,
    name: String,
    action: Action,
}

enum Action {
    Deed(Deed),
    Group(Arc<Group>),
    InProcess(InProcess),
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deed(deed) => f.debug_tuple("Deed").field(deed).finish(),
            Self::Group(group) => f.debug_tuple("Group").field(group).finish(),
            Self::InProcess(_) => f.write_str("InProcess"),
        }
    }
}

/// What became of the stack.
#[derive(Debug, Default)]
pub struct UndoReport {
    /// Entries that were undone, in the order in which that happened.
    pub done: Vec<String>,
    /// Entries whose undoing failed or took too long.
    pub failed: Vec<UndoFailure>,
    /// Entries that were not tried: the third Ctrl-C came first, or they were kept on purpose.
    pub left: Vec<String>,
}

/// An entry that could not be undone.
#[derive(Debug)]
pub struct UndoFailure {
    /// Its name.
    pub name: String,
    /// Why.
    pub error: BoxError,
}

impl UndoReport {
    /// Whether nothing is left.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.failed.is_empty() && self.left.is_empty()
    }
}

impl Undo {
    /// An empty stack.
    pub(crate) fn new(events: Events, signals: Signals) -> Self {
        Self {
            shared: Arc::new(Shared {
                stack: Mutex::default(),
                events,
                signals,
            }),
        }
    }

    /// Puts a deed on the stack. Call it *before* doing what the deed undoes.
    pub fn push(&self, name: impl Into<String>, deed: Deed) -> UndoId {
        self.add(name.into(), Action::Deed(deed))
    }

    /// Puts something on the stack that only this process can undo, such as stopping a server that runs in it.
    pub fn push_in_process<F>(&self, name: impl Into<String>, undo: F) -> UndoId
    where
        F: FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send + 'static,
    {
        self.add(name.into(), Action::InProcess(Box::new(undo)))
    }

    /// Takes an entry off: it was undone by other means, or never came to be.
    pub fn done(&self, id: UndoId) {
        self.stack().entries.retain(|entry| entry.id != id);
    }

    /// Undoes everything, last in first out, each bounded; goes on after failures.
    pub async fn unwind(&self) -> UndoReport {
        let mut report = UndoReport::default();
        loop {
            let Some(entry) = self.stack().entries.pop() else {
                break;
            };
            let begun = Instant::now();
            let result: Result<(), BoxError> = match entry.action {
                Action::Deed(_) => Ok(()),
                Action::Group(group) => group
                    .stop(group.grace, &self.hurry())
                    .await
                    .map(drop)
                    .map_err(Into::into),
                Action::InProcess(undo) => undo().await,
            };
            let outcome = match &result {
                Ok(()) => Outcome::Ok,
                Err(error) => Outcome::Failed {
                    error: chain(error),
                    hint: error.hint(),
                },
            };
            self.shared.events.emit(Event::UndoFinished {
                name: entry.name.clone(),
                took: begun.elapsed(),
                outcome,
            });
            match result {
                Ok(()) => report.done.push(entry.name),
                Err(error) => report.failed.push(UndoFailure {
                    name: entry.name,
                    error,
                }),
            }
        }
        report
    }

    /// Cancelled when grace is to be skipped.
    pub(crate) fn hurry(&self) -> CancellationToken {
        self.shared.signals.hurry()
    }

    /// The process of an entry exists now.
    pub(crate) fn started(&self, id: UndoId, group: &Arc<Group>) {
        if let Some(entry) = self.stack().entries.iter_mut().find(|entry| entry.id == id) {
            entry.action = Action::Group(Arc::clone(group));
        }
    }

    fn add(&self, name: String, action: Action) -> UndoId {
        let mut stack = self.stack();
        stack.last += 1;
        let id = UndoId(stack.last);
        stack.entries.push(Entry { id, name, action });
        id
    }

    fn stack(&self) -> MutexGuard<'_, Stack> {
        self.shared.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an entry without a limit of its own may take.
#[expect(dead_code, reason = "used by the bounded unwinding that follows")]
const LIMIT: Duration = Duration::from_secs(10);
