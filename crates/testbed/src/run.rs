//! One run: its directory, events, undo stack, children and limits.

mod step;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use step::StepError;

use crate::clock::{Clock, Hold};
use crate::deadline::Deadline;
use crate::environment::EnvironmentName;
use crate::event::{EventReceiver, Events};
use crate::explain::{BoxError, Explain};
use crate::process::{Process, ProcessError, ProcessSpec, Supervisor};
use crate::run_dir::RunDir;
use crate::run_id::RunId;
use crate::signal::Signals;
use crate::undo::{Undo, UndoReport};

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The folder that holds the directories of all runs: `target/throughline`.
    pub root: PathBuf,
    /// Where it runs.
    pub environment: EnvironmentName,
    /// Whether the user wants evidence, and whatever the environment can leave standing, to stay.
    pub keep: bool,
    /// Armed before this: nothing may be created that Ctrl-C would not undo.
    pub signals: Signals,
}

/// A run. Clones mean the same run.
#[derive(Debug, Clone)]
pub struct Run {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: RunId,
    dir: RunDir,
    environment: EnvironmentName,
    keep: bool,
    signals: Signals,
    clock: Clock,
    events: Events,
    undo: Undo,
    supervisor: Supervisor,
}

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The run directory cannot be made or written.
    #[error("cannot write the run directory below {}", root.display())]
    Directory {
        /// The folder that should hold it.
        root: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl Explain for RunError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Directory { root, .. } => {
                Some(format!("make {} a folder that you may write", root.display()))
            }
        }
    }
}

impl Run {
    /// Begins a run: makes its directory and its record of events. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The directory cannot be made or written.
    pub fn begin(options: RunOptions) -> Result<(Self, EventReceiver), RunError> {
        let RunOptions {
            root,
            environment,
            keep,
            signals,
        } = options;
        let failed = |source| RunError::Directory {
            root: root.clone(),
            source,
        };
        let (id, dir) = RunDir::create(&root).map_err(failed)?;
        dir.mark_latest().map_err(failed)?;
        let (events, receiver) = Events::recorded(&dir.file(RunDir::EVENTS)).map_err(failed)?;
        let undo = Undo::new(events.clone(), signals.clone());
        let supervisor = Supervisor::new(&id, &dir, &events, &undo);
        let clock = Clock::start();
        let inner = Inner {
            id,
            dir,
            environment,
            keep,
            signals,
            clock,
            events,
            undo,
            supervisor,
        };
        Ok((
            Self {
                inner: Arc::new(inner),
            },
            receiver,
        ))
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.inner.id
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &RunDir {
        &self.inner.dir
    }

    /// Where it runs.
    #[must_use]
    pub fn environment(&self) -> EnvironmentName {
        self.inner.environment
    }

    /// Whether the user wants things to stay.
    #[must_use]
    pub fn keep(&self) -> bool {
        self.inner.keep
    }

    /// Where its events go.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.inner.events
    }

    /// Its undo stack.
    #[must_use]
    pub fn undo(&self) -> &Undo {
        &self.inner.undo
    }

    /// The signals that it listens to.
    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    /// Cancelled by the first Ctrl-C or SIGTERM.
    #[must_use]
    pub fn interrupted(&self) -> CancellationToken {
        self.inner.signals.interrupted()
    }

    /// Time since the run began, without time that was held.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.inner.clock.elapsed()
    }

    /// Lets the time of all limits of this run stand still until the guard is dropped: a debugger has stopped a process.
    pub fn hold(&self) -> Hold {
        self.inner.clock.hold()
    }

    /// A deadline that ends after `limit`, or with the interrupt.
    #[must_use]
    pub fn deadline(&self, limit: Duration) -> Deadline {
        Deadline::new(&self.inner.clock, limit, self.interrupted())
    }

    /// Runs a named step within a limit. The future is dropped when the limit or the interrupt comes first; what it
    /// created by then is on the undo stack.
    ///
    /// # Errors
    /// The step failed, took too long, or was interrupted.
    pub async fn step<T, E, F>(&self, name: &str, limit: Duration, future: F) -> Result<T, StepError>
    where
        E: Into<BoxError>,
        F: Future<Output = Result<T, E>>,
    {
        step::run(&self.inner.events, name, self.deadline(limit), future, |_| None).await
    }

    /// As [`Run::step`], and shows people what the step brought: an address, a version.
    ///
    /// # Errors
    /// As [`Run::step`].
    pub async fn step_showing<T, E, F>(
        &self,
        name: &str,
        limit: Duration,
        future: F,
        show: impl FnOnce(&T) -> String,
    ) -> Result<T, StepError>
    where
        E: Into<BoxError>,
        F: Future<Output = Result<T, E>>,
    {
        step::run(&self.inner.events, name, self.deadline(limit), future, |value| {
            Some(show(value))
        })
        .await
    }

    /// Starts a child: own process group, log file and tail, explicit environment, already on the undo stack.
    ///
    /// # Errors
    /// Nothing was started.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a spec is made for one start and reads best as a chain"
    )]
    pub fn supervise(&self, spec: ProcessSpec) -> Result<Process, ProcessError> {
        self.inner.supervisor.start(&spec)
    }

    /// Undoes everything that the run created, last in first out.
    pub async fn finish(&self) -> UndoReport {
        self.inner.undo.unwind().await
    }
}
