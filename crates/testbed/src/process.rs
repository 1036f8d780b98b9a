//! Child processes: each in a group of its own, watched, logged, and never left behind.
//!
//! A child belongs to the undo stack of its run, not to the [`Process`] handle: dropping the handle changes nothing.
//! When a whole run is dropped without [`Run::finish`](crate::Run::finish), the groups of its children are killed at
//! once, without grace and without waiting: better than leaving them, worse than finishing.

mod call;
mod conversation;
mod error;
mod exit;
mod group;
mod marked;
mod output;
mod place;
mod recorded;
mod spec;
mod supervisor;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use call::{Answer, Call};
pub use conversation::Conversation;
pub use error::ProcessError;
pub use exit::Exit;
pub use spec::{PROCESS_VARIABLE, ProcessSpec, RUN_DIR_VARIABLE, RUN_VARIABLE};
pub use supervisor::Supervisor;

pub(crate) use group::Group;
pub(crate) use marked::Marked;
pub(crate) use place::Place;
pub(crate) use recorded::{identify, lives, stop_recorded};
pub(crate) use spec::Mark;

use crate::deadline::{Deadline, Over};
use crate::processes;
use crate::undo::{Undo, UndoId};

/// A supervised child. Clones mean the same child.
#[derive(Debug, Clone)]
pub struct Process {
    group: Arc<Group>,
    undo: Undo,
    entry: UndoId,
}

impl Process {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.group.name()
    }

    /// Its process id, which is also the id of its group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.group.pid()
    }

    /// The processes that live now in its group, or that it started and that left the group; itself included.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        let marked = Marked {
            mark: &self.undo.scene().place.mark,
            name: Some(self.name()),
        };
        let mut members = processes::members(self.group.id());
        members.extend(marked.find());
        members.sort_unstable();
        members.dedup();
        members.into_iter().map(i32::cast_unsigned).collect()
    }

    /// The file that holds its whole output.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.group.output().log()
    }

    /// The last lines that it printed, stdout and stderr in the order in which they came in.
    #[must_use]
    pub fn tail(&self) -> Vec<String> {
        self.group.output().tail()
    }

    /// How it ended; `None` while it runs.
    #[must_use]
    pub fn exited(&self) -> Option<Exit> {
        *self.group.exit().borrow()
    }

    /// Turns `Some` when it ends.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<Exit>> {
        self.group.exit()
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It still runs when the deadline is over.
    pub async fn ended(&self, deadline: &Deadline) -> Result<Exit, ProcessError> {
        deadline.bound(self.group.exited()).await.map_err(|over| {
            let (name, waited) = (self.name().to_owned(), deadline.elapsed());
            match over {
                Over::Elapsed => ProcessError::StillRuns {
                    name,
                    waited,
                    tail: self.tail(),
                    log: self.log().to_owned(),
                },
                Over::Cancelled => ProcessError::Interrupted { name },
            }
        })
    }

    /// Waits for a line on stdout, those before this call included. Fails at once when the process ends.
    ///
    /// # Errors
    /// The process ended, the deadline is over, or the wait was interrupted; with the last lines of output.
    pub async fn line<T>(
        &self,
        deadline: &Deadline,
        mut matches: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, ProcessError> {
        let output = self.group.output();
        let mut news = output.watch();
        let mut next = 0;
        loop {
            // Read before the lines, so that the last words of a dying process are looked at.
            let exit = self.exited();
            news.mark_unchanged();
            let (lines, end) = output.stdout_since(next);
            next = end;
            if let Some(found) = lines.iter().find_map(|line| matches(line)) {
                return Ok(found);
            }
            if let Some(exit) = exit {
                let (name, log) = (self.name().to_owned(), self.log().to_owned());
                return Err(ProcessError::Died {
                    name,
                    exit,
                    tail: self.tail(),
                    log,
                });
            }
            let something = async {
                tokio::select! {
                    _ = news.changed() => {}
                    _ = self.group.exited() => {}
                }
            };
            deadline
                .bound(something)
                .await
                .map_err(|over| self.silent(over, deadline))?;
        }
    }

    /// Stops it and its group: SIGTERM, `grace`, SIGKILL. Its undo entry is done then. Stopping twice is fine.
    ///
    /// # Errors
    /// It survived SIGKILL, or could not be signalled.
    pub async fn stop(&self, grace: Duration) -> Result<Exit, ProcessError> {
        let exit = self.group.stop(grace, &self.undo.scene().place.hurry).await?;
        self.undo.done(self.entry);
        Ok(exit)
    }

    /// Sends a signal to the process itself, not to its group; nothing when it has ended.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<(), ProcessError> {
        self.group.signal_leader(signal)
    }

    fn silent(&self, over: Over, deadline: &Deadline) -> ProcessError {
        let name = self.name().to_owned();
        match over {
            Over::Elapsed => ProcessError::Silent {
                name,
                waited: deadline.elapsed(),
                tail: self.tail(),
                log: self.log().to_owned(),
            },
            Over::Cancelled => ProcessError::Interrupted { name },
        }
    }
}
