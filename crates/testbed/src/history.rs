//! Earlier runs: the newest are kept for reading, older ones are removed.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;

use crate::run_dir::{Claim, RootLock, RunDir};
use crate::undo::Replay;

/// How many finished runs stay.
pub(crate) const KEPT: usize = 20;

/// Removes all but the newest `kept` finished runs besides our own. A run that lives, or that left something to undo, is
/// not finished.
pub(crate) fn prune(ours: &RunDir, kept: usize) -> io::Result<()> {
    let root = ours.path().parent().unwrap_or_else(|| ours.path());
    let mut finished = Vec::new();
    for (_, dir) in RunDir::all(root)?.into_iter().filter(|(_, dir)| dir != ours) {
        let Ok(journal) = Replay::of_file(&dir.file(RunDir::JOURNAL)) else {
            continue;
        };
        if journal.is_finished() {
            finished.push((journal.at.or_else(|| changed(dir.path())), dir));
        }
    }
    finished.sort_by_key(|(at, _)| Reverse(*at));
    for (_, dir) in finished.iter().skip(kept) {
        let claim = RootLock::take(root)?.claim(dir)?;
        if let Claim::Ours(lock) = claim {
            lock.remove(dir)?;
        }
    }
    Ok(())
}

fn changed(path: &Path) -> Option<Timestamp> {
    let changed: SystemTime = fs::metadata(path).ok()?.modified().ok()?;
    Timestamp::try_from(changed).ok()
}
