//! A child and its process group, from start to the last member's end.
//!
//! The child is not reaped before its group is gone: as long as it is at least a zombie, the kernel gives its number to
//! nobody else, so that a signal to the group can never hit a stranger.

use std::convert::Infallible;
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::ProcessError;
use super::exit::Exit;
use super::output::{Output, Stream};
use crate::clock::Clock;
use crate::deadline::Deadline;
use crate::processes;
use crate::wait::{self, Probe};

/// How long a killed process may need to vanish. SIGKILL works at once unless the kernel itself is busy with it.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// A running or ended child with everything that it started in its group.
#[derive(Debug)]
pub(crate) struct Group {
    name: String,
    pid: Pid,
    /// How long it has when its run is undone.
    pub(crate) grace: Duration,
    leader: Mutex<Leader>,
    output: Arc<Output>,
    exit: watch::Receiver<Option<Exit>>,
    /// Watcher and readers; aborted when the group is dropped.
    _tasks: JoinSet<()>,
}

/// The child; `None` once it is reaped and its number is no longer ours.
#[derive(Debug)]
struct Leader(Option<Child>);

impl Group {
    /// Takes over a child that was started as the leader of its group, with both outputs piped.
    pub(crate) fn adopt(
        name: String,
        mut child: Child,
        grace: Duration,
        output: Arc<Output>,
    ) -> io::Result<Self> {
        let pid = Pid::from_child(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on the leader is killed on every early return.
        let leader = Mutex::new(Leader(Some(child)));
        let mut children = signal(SignalKind::child())?;
        let mut tasks = JoinSet::new();
        let ended = CancellationToken::new();
        let (flushed, mut all_flushed) = mpsc::channel(1);
        if let Some(stdout) = stdout {
            let (stdout, output) = (ChildStdout::from_std(stdout)?, Arc::clone(&output));
            let (ended, flushed) = (ended.clone(), flushed.clone());
            tasks.spawn(async move { output.drain(Stream::Stdout, stdout, ended, flushed).await });
        }
        if let Some(stderr) = stderr {
            let (stderr, output) = (ChildStderr::from_std(stderr)?, Arc::clone(&output));
            let (ended, flushed) = (ended.clone(), flushed.clone());
            tasks.spawn(async move { output.drain(Stream::Stderr, stderr, ended, flushed).await });
        }
        drop(flushed);
        let (exit_tx, exit) = watch::channel(None);
        tasks.spawn(async move {
            let exit = loop {
                match look(pid) {
                    Ok(Some(exit)) => break exit,
                    Ok(None) | Err(Errno::INTR) => {
                        children.recv().await;
                    }
                    // The group reaps only after this task has seen the end, so it was somebody else.
                    Err(_) => break Exit::Unknown,
                }
            };
            // Whoever hears of the end finds the last words.
            ended.cancel();
            let _: Option<Infallible> = all_flushed.recv().await;
            exit_tx.send_replace(Some(exit));
        });
        Ok(Self {
            name,
            pid,
            grace,
            leader,
            output,
            exit,
            _tasks: tasks,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The id of the group.
    pub(crate) const fn id(&self) -> Pid {
        self.pid
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    pub(crate) fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    /// Waits for the child's end.
    pub(crate) async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        loop {
            if let Some(exit) = *exit.borrow_and_update() {
                return exit;
            }
            if exit.changed().await.is_err() {
                // The watcher lives as long as the group unless its runtime is being torn down.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Sends a signal to the child alone.
    pub(crate) fn signal_leader(&self, signal: Signal) -> Result<(), ProcessError> {
        match self.leader().0 {
            Some(_) => self.sent(kill_process(self.pid, signal)),
            None => Ok(()),
        }
    }

    /// Ends the whole group: SIGTERM, at most `grace` (nothing of it once `hurry` is cancelled), SIGKILL; then reaps.
    pub(crate) async fn stop(
        &self,
        grace: Duration,
        hurry: &CancellationToken,
    ) -> Result<Exit, ProcessError> {
        if self.is_reaped() {
            return Ok(self.exited().await);
        }
        self.signal_group(Signal::TERM)?;
        // A stopped process would not see SIGTERM before it goes on.
        self.signal_group(Signal::CONT)?;
        let polite = Deadline::new(&Clock::start(), grace, hurry.clone());
        let gone = polite.bound(self.exited()).await.is_ok() && self.wait_for_members(&polite).await.is_ok();
        // Members that came to be while we looked, or that can't be seen on this system, are killed here too.
        self.signal_group(Signal::KILL)?;
        let last = Deadline::after(KILL_LIMIT);
        let unstoppable = || ProcessError::Unstoppable {
            name: self.name.clone(),
            pid: self.pid(),
            waited: KILL_LIMIT,
        };
        let exit = last.bound(self.exited()).await.map_err(|_| unstoppable())?;
        if !gone {
            self.wait_for_members(&last).await.map_err(|()| unstoppable())?;
        }
        self.reap()?;
        Ok(exit)
    }

    /// Waits until nobody but the ended child is left in the group.
    async fn wait_for_members(&self, deadline: &Deadline) -> Result<(), ()> {
        let what = "the end of the process group";
        wait::until(deadline, what, || async {
            match processes::in_group(self.pid) {
                0 => Probe::<(), Infallible>::Ready(()),
                members => Probe::not_yet(format!("{members} left")),
            }
        })
        .await
        .map_err(drop)
    }

    fn signal_group(&self, signal: Signal) -> Result<(), ProcessError> {
        // The lock keeps the child from being reaped in between.
        match self.leader().0 {
            Some(_) => self.sent(kill_process_group(self.pid, signal)),
            None => Ok(()),
        }
    }

    fn sent(&self, result: rustix::io::Result<()>) -> Result<(), ProcessError> {
        match result {
            // macOS refuses to signal a group of zombies with EPERM.
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(Errno::PERM) if self.exit.borrow().is_some() => Ok(()),
            Err(error) => Err(self.cannot_stop(error.into())),
        }
    }

    fn cannot_stop(&self, source: io::Error) -> ProcessError {
        ProcessError::Stop {
            name: self.name.clone(),
            pid: self.pid(),
            source,
        }
    }

    /// Takes the ended child's number out of use. Members of its group are no concern of ours from then on.
    pub(crate) fn reap(&self) -> Result<(), ProcessError> {
        let mut leader = self.leader();
        if let Some(child) = &mut leader.0
            && child
                .try_wait()
                .map_err(|source| self.cannot_stop(source))?
                .is_some()
        {
            leader.0 = None;
        }
        Ok(())
    }

    /// Whether the child is reaped.
    pub(crate) fn is_reaped(&self) -> bool {
        self.leader().0.is_none()
    }

    fn leader(&self) -> MutexGuard<'_, Leader> {
        self.leader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leader {
    /// The last resort: nobody stopped the group, and nobody is left who could.
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
            let _ = child.try_wait();
        }
    }
}

/// Whether the child has ended, without reaping it.
fn look(pid: Pid) -> rustix::io::Result<Option<Exit>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let status = waitid(WaitId::Pid(pid), options)?;
    Ok(status.and_then(
        |status| match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Some(Exit::Code(code)),
            (None, Some(signal)) => Some(Exit::Signal(signal)),
            (None, None) => None,
        },
    ))
}
