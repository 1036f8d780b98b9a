//! Signals: this program outlives its children, so that they can finish their undo and their exit code is passed on.
//!
//! Each child leads a process group of its own. A signal that asks this program to end goes on to those groups, once,
//! wherever it came from: a terminal, a pipeline that ends only the process it knows, or a person with `kill`.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The first signal that asked this program to end; 0 as long as none did.
static SEEN: AtomicI32 = AtomicI32::new(0);

/// Process groups that are running now.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// The signal that asked this program to end.
pub(crate) fn seen() -> Option<i32> {
    match SEEN.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(signal),
    }
}

/// A running child; dropping it ends the relaying, nothing else.
#[derive(Debug)]
pub(crate) struct Relayed {
    pub(crate) child: Child,
    group: i32,
}

/// Starts a child that leads a process group and gets the signals meant for this program.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Relayed> {
    arm()?;
    // Held over the start: a signal that comes now waits until the child is known.
    let mut groups = groups();
    let child = command.process_group(0).spawn()?;
    let group = child.id().cast_signed();
    groups.insert(group);
    Ok(Relayed { child, group })
}

impl Drop for Relayed {
    fn drop(&mut self) {
        groups().remove(&self.group);
    }
}

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the signals over, once.
fn arm() -> io::Result<()> {
    static ARMED: OnceLock<Result<(), io::ErrorKind>> = OnceLock::new();
    ARMED
        .get_or_init(|| {
            let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(|error| error.kind())?;
            std::thread::spawn(move || signals.forever().for_each(relay));
            Ok(())
        })
        .map_err(io::Error::from)
}

fn relay(signal: i32) {
    let groups = groups();
    SEEN.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst)
        .ok();
    if groups.is_empty() {
        // Nobody to wait for: end as if the signal had never been taken over.
        signal_hook::low_level::emulate_default_handler(signal).ok();
        return;
    }
    for group in groups.iter().filter_map(|group| Pid::from_raw(*group)) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            // A group that is gone has nothing left to end.
            kill_process_group(group, signal).ok();
        }
    }
}
