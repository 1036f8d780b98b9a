//! Who owns a run directory: its runner while it lives, or whoever cleans up after it. The kernel lets go of the lock
//! when its holder dies, however it dies.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::RunDir;

/// The right to take or make run directories, held for moments. Without it a directory could be mistaken for a dead
/// run's between its making and its locking.
#[derive(Debug)]
pub(crate) struct RootLock(#[expect(dead_code, reason = "held for the lock on it")] File);

/// Ownership of a run directory, given up on drop.
#[derive(Debug)]
pub(crate) struct RunLock(#[expect(dead_code, reason = "held for the lock on it")] File);

/// An attempt to own a run directory.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is ours now.
    Ours(RunLock),
    /// Somebody alive has it.
    Taken,
    /// The file system does not do locks.
    CannotTell,
}

impl RootLock {
    /// Waits for the right. Nobody holds it for longer than it takes to make a directory.
    pub(crate) fn take(root: &Path) -> io::Result<Self> {
        let file = open(&root.join(".lock"))?;
        match file.lock() {
            // Without locks two runners may look at each other's directory while it is being made: see `CannotTell`.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            locked => locked?,
        }
        Ok(Self(file))
    }

    /// Tries to own a run directory.
    pub(crate) fn claim(&self, dir: &RunDir) -> io::Result<Claim> {
        let file = open(&dir.file(RunDir::LOCK))?;
        Ok(match file.try_lock() {
            Ok(()) => Claim::Ours(RunLock(file)),
            Err(TryLockError::WouldBlock) => Claim::Taken,
            Err(TryLockError::Error(_)) => Claim::CannotTell,
        })
    }
}

impl RunLock {
    /// Removes the directory that is owned.
    pub(crate) fn remove(self, dir: &RunDir) -> io::Result<()> {
        fs::remove_dir_all(dir.path())
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}
