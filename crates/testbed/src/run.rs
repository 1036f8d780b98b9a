//! One run: its directory, events, undo stack, children and limits.

mod begin;
mod error;
mod ground;
mod step;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use begin::Inner;
pub use error::RunError;
pub use step::StepError;

use crate::clock::Hold;
use crate::deadline::Deadline;
use crate::environment::{EnvironmentName, Missing};
use crate::event::{EventReceiver, Events};
use crate::explain::BoxError;
use crate::process::{Answer, Call, Conversation, Marked, Process, ProcessError, ProcessSpec};
use crate::run_dir::{RunDir, random};
use crate::run_id::RunId;
use crate::signal::Signals;
use crate::undo::{Deed, Undo, UndoError, UndoFailure, UndoLeft, UndoReport, scratch_prefix};
use crate::wait::WaitError;

/// What a run is begun with.
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
    closing: bool,
}

impl Run {
    /// Begins a run: makes its directory, its lock, its journal and its record of events, and removes the directories
    /// of old finished runs. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The directory cannot be made or written.
    pub fn begin(options: RunOptions) -> Result<(Self, EventReceiver), RunError> {
        let root = options.root.clone();
        Inner::begin(options)
            .map(|(inner, receiver)| {
                (
                    Self {
                        inner: Arc::new(inner),
                        closing: false,
                    },
                    receiver,
                )
            })
            .map_err(|source| RunError::Directory { root, source })
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

    /// Cancelled by the first Ctrl-C or SIGTERM; in the hands of whoever closes the run, by the second one.
    #[must_use]
    pub fn interrupted(&self) -> CancellationToken {
        if self.closing {
            self.inner.signals.hurry()
        } else {
            self.inner.signals.interrupted()
        }
    }

    /// The same run for what has to be done in good order at its end, such as giving traffic back and proving that: its steps and
    /// deadlines outlast the first Ctrl-C, which may be the reason for the end, and are ended by the second one.
    #[must_use]
    pub fn closing(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            closing: true,
        }
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
    /// The step failed, took too long, or was interrupted; or what the run stands on was taken away.
    pub async fn step<T, E, F>(&self, name: &str, limit: Duration, future: F) -> Result<T, StepError>
    where
        E: Into<BoxError>,
        F: Future<Output = Result<T, E>>,
    {
        // Each layer around a future holds it several times in an unoptimised build: on the heap, a deep step does not
        // overflow the stack of a worker.
        let future = Box::pin(future);
        self.tell_step(name, limit, future, |_| None).await
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
        let future = Box::pin(future);
        self.tell_step(name, limit, future, |value| Some(show(value)))
            .await
    }

    async fn tell_step<T, E, F>(
        &self,
        name: &str,
        limit: Duration,
        future: F,
        show: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, StepError>
    where
        E: Into<BoxError>,
        F: Future<Output = Result<T, E>>,
    {
        let inner = &self.inner;
        step::run(
            &inner.events,
            &inner.ground,
            name,
            self.deadline(limit),
            future,
            show,
        )
        .await
    }

    /// From now on, whenever a step takes more than three seconds it is looked every second whether what the run stands on was
    /// taken away; the step fails then, instead of waiting for its limit. The first one that is given looks.
    pub fn stand_on<F>(&self, look: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Option<Missing>> + Send + 'static,
    {
        self.inner.ground.set(look);
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

    /// As [`Run::supervise`], for a child that is talked to over its standard streams: only its stderr is logged.
    ///
    /// # Errors
    /// Nothing was started.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a spec is made for one start and reads best as a chain"
    )]
    pub fn converse(&self, spec: ProcessSpec) -> Result<(Process, Conversation), ProcessError> {
        self.inner.supervisor.converse(&spec)
    }

    /// Ends whatever a supervised process of this name has started outside its own group, as a debugger starts what it
    /// debugs: SIGTERM, `grace`, SIGKILL. Answers how many there were. Processes are known by the environment that they
    /// inherited, so nothing of another run or of nobody's is touched.
    ///
    /// # Errors
    /// Some are still there.
    pub async fn stop_strays(&self, name: &str, grace: Duration) -> Result<usize, UndoError> {
        let place = &self.inner.undo.scene().place;
        let marked = Marked {
            mark: &place.mark,
            name: Some(name),
        };
        let stopped = marked.stop(grace, &place.hurry).await;
        stopped.map_err(|pids| UndoError::StillRunning {
            run: self.id().clone(),
            name: name.to_owned(),
            pids,
        })
    }

    /// Runs a program to its end and takes its answer; meanwhile it is on the undo stack. See [`Supervisor::call`](crate::process::Supervisor::call).
    ///
    /// # Errors
    /// It can't be started, or the deadline was over first. A code other than 0 is no error here: see
    /// [`Answer::success`].
    pub async fn call(&self, call: &Call, deadline: &Deadline) -> Result<Answer, ProcessError> {
        self.inner.supervisor.call(call, deadline).await
    }

    /// Kills those of the run's processes that `which` picks by their pid, as `kill -9` does, and waits until they are gone:
    /// for a mishap on purpose. Answers how many there were.
    ///
    /// # Errors
    /// Some are still there when the deadline is over.
    pub async fn kill(&self, which: impl Fn(u32) -> bool, deadline: &Deadline) -> Result<usize, WaitError> {
        let mark = &self.inner.undo.scene().place.mark;
        Marked { mark, name: None }.kill(which, deadline).await
    }

    /// Makes a folder outside the run directory, only for this user, for what needs a short path (sockets) or must not
    /// be kept. It is removed when the run is undone.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn scratch(&self, name: &str) -> Result<PathBuf, RunError> {
        use std::os::unix::fs::DirBuilderExt;
        let scene = self.inner.undo.scene();
        let unique = random() & 0xffff;
        let path = scene.temp.join(format!(
            "{}{name}-{unique:04x}",
            scratch_prefix(&scene.place.mark)
        ));
        let entry = self.inner.undo.push(
            format!("scratch folder {name}"),
            Deed::Remove { path: path.clone() },
        );
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(path),
            Err(source) => {
                self.inner.undo.done(entry);
                Err(RunError::Scratch { path, source })
            }
        }
    }

    /// Undoes everything that the run created, last in first out, and ends whatever left its process group on the way.
    /// Its directory stays.
    pub async fn finish(&self) -> UndoReport {
        let mut report = self.inner.undo.unwind().await;
        // What was kept may have processes of its own.
        if !report.left.iter().any(UndoLeft::on_purpose) {
            let place = &self.inner.undo.scene().place;
            let marked = Marked {
                mark: &place.mark,
                name: None,
            };
            let leave = self.inner.signals.leave();
            let stopping = marked.stop(ProcessSpec::GRACE, &place.hurry);
            match leave.run_until_cancelled(stopping).await {
                None | Some(Ok(0)) => {}
                Some(Ok(strays)) => {
                    // A daemon that was told to quit may still be at it: nothing to worry about, and good to know.
                    self.events().note(match strays {
                        1 => "stopped 1 process that had left its group".to_owned(),
                        _ => format!("stopped {strays} processes that had left their group"),
                    });
                }
                Some(Err(pids)) => report.failed.push(UndoFailure::still_running(self.id(), pids)),
            }
        }
        report
    }
}
