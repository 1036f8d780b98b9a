//! Processes of a run, found by the mark that they carry in their environment. Nothing has to be written down for that
//! after a process was started, so that a runner that is killed in between leaves none behind.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use super::spec::{Mark, PROCESS_VARIABLE, RUN_DIR_VARIABLE, RUN_VARIABLE};
use crate::clock::Clock;
use crate::deadline::Deadline;
use crate::processes;
use crate::wait::{self, Probe, WaitError};

/// How long killed processes may need to vanish.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Which processes of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marked<'a> {
    pub(crate) mark: &'a Mark,
    /// The one that was started under this name, with whatever it started; `None` means all.
    pub(crate) name: Option<&'a str>,
}

impl Marked<'_> {
    /// Those that live now, without ourselves.
    pub(crate) fn find(self) -> Vec<i32> {
        processes::all().into_iter().filter(|&pid| self.is(pid)).collect()
    }

    /// Ends them, and what they start meanwhile: SIGTERM, `grace` (none once `hurry` is cancelled), SIGKILL. Answers how
    /// many there were.
    ///
    /// # Errors
    /// Those that are still there: hanging in the kernel, or not ours to kill.
    pub(crate) async fn stop(self, grace: Duration, hurry: &CancellationToken) -> Result<usize, Vec<i32>> {
        let found = self.find();
        if found.is_empty() {
            return Ok(0);
        }
        self.signal(&found, Signal::TERM);
        // A stopped process would not see SIGTERM before it goes on.
        self.signal(&found, Signal::CONT);
        let polite = Deadline::new(&Clock::start(), grace, hurry.clone());
        if self.until_gone(&polite, None).await.is_err() {
            let last = Deadline::after(KILL_LIMIT);
            self.until_gone(&last, Some(Signal::KILL))
                .await
                .map_err(|()| self.find())?;
        }
        Ok(found.len())
    }

    /// Kills those that `which` picks, and answers how many there were.
    ///
    /// # Errors
    /// The deadline, with how many are left.
    pub(crate) async fn kill(
        self,
        which: impl Fn(u32) -> bool,
        deadline: &Deadline,
    ) -> Result<usize, WaitError> {
        let meant = |pid: i32| self.is(pid) && u32::try_from(pid).is_ok_and(&which);
        let mut killed: BTreeSet<i32> = BTreeSet::new();
        let look = || {
            // Again at every look: one that is started meanwhile is meant too.
            let found: Vec<i32> = processes::all().into_iter().filter(|&pid| meant(pid)).collect();
            for &pid in &found {
                processes::signal_if(pid, Signal::KILL, || meant(pid));
            }
            killed.extend(&found);
            async move {
                match found.len() {
                    0 => Probe::<(), Infallible>::Ready(()),
                    left => Probe::not_yet(format!("{left} left")),
                }
            }
        };
        wait::until(deadline, "the end of killed processes", look).await?;
        Ok(killed.len())
    }

    async fn until_gone(self, deadline: &Deadline, signal: Option<Signal>) -> Result<(), ()> {
        let look = || async {
            let found = self.find();
            if let Some(signal) = signal {
                self.signal(&found, signal);
            }
            match found.len() {
                0 => Probe::<(), Infallible>::Ready(()),
                left => Probe::not_yet(format!("{left} left")),
            }
        };
        wait::until(deadline, "the end of a run's processes", look)
            .await
            .map_err(drop)
    }

    fn signal(self, pids: &[i32], signal: Signal) {
        for &pid in pids {
            processes::signal_if(pid, signal, || self.is(pid));
        }
    }

    fn is(self, pid: i32) -> bool {
        if u32::try_from(pid) == Ok(std::process::id()) {
            return false;
        }
        let Some(environment) = processes::environment(pid) else {
            return false;
        };
        let has = |key: &str, value: &[u8]| {
            environment
                .get(key.as_bytes())
                .is_some_and(|found| found == value)
        };
        has(RUN_VARIABLE, self.mark.run.as_str().as_bytes())
            && has(RUN_DIR_VARIABLE, self.mark.dir.as_os_str().as_encoded_bytes())
            && self
                .name
                .is_none_or(|name| has(PROCESS_VARIABLE, name.as_bytes()))
    }
}
