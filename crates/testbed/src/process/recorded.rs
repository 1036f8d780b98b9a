//! Processes of an earlier runner, known by number and start time.

use std::convert::Infallible;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::deadline::Deadline;
use crate::processes::{self, Stat};
use crate::undo::Identity;
use crate::wait::{self, Probe};

/// How long a killed process may need to vanish.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Ends a process and its group if it is still the one that was recorded: SIGTERM, `grace` (none once `hurry` is
/// cancelled), SIGKILL. A later process with the same number started at another time and is left alone.
///
/// # Errors
/// It is still there: hanging in the kernel, or not ours to kill.
pub(crate) async fn stop_recorded(
    identity: Identity,
    grace: Duration,
    hurry: &CancellationToken,
) -> Result<(), Vec<i32>> {
    let (Some(pid), Some(start_time)) = (i32::try_from(identity.pid).ok(), identity.start_time) else {
        return Ok(());
    };
    let is_it = || Stat::read(pid).is_some_and(|stat| stat.alive && stat.start_time == start_time);
    let signal_group = |signal| {
        if let Some(group) = Pid::from_raw(pid)
            && is_it()
        {
            // Gone, or not ours: the next look tells.
            let _ = kill_process_group(group, signal);
        }
    };
    let gone = || async {
        if is_it() {
            Probe::<(), Infallible>::not_yet("alive")
        } else {
            Probe::Ready(())
        }
    };
    if !is_it() {
        return Ok(());
    }
    signal_group(Signal::TERM);
    // A stopped process would not see SIGTERM before it goes on.
    signal_group(Signal::CONT);
    let polite = Deadline::new(&Clock::start(), grace, hurry.clone());
    if wait::until(&polite, "the end of a recorded process", gone)
        .await
        .is_err()
    {
        signal_group(Signal::KILL);
        let last = Deadline::after(KILL_LIMIT);
        wait::until(&last, "the end of a killed process", gone)
            .await
            .map_err(|_| vec![pid])?;
    }
    Ok(())
}

/// What tells this process from a later one with the same number.
pub(crate) fn identify(pid: u32) -> Identity {
    let stat = i32::try_from(pid).ok().and_then(Stat::read);
    Identity {
        pid,
        start_time: stat.map(|stat| stat.start_time),
    }
}

/// Whether the process that was recorded still lives; a number without a start time counts while anybody has it.
pub(crate) fn lives(identity: Identity) -> bool {
    match identity.start_time {
        Some(_) if processes::VISIBLE => {
            let stat = i32::try_from(identity.pid).ok().and_then(Stat::read);
            stat.is_some_and(|stat| stat.alive && Some(stat.start_time) == identity.start_time)
        }
        _ => processes::exists(identity.pid),
    }
}
