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
pub(crate) struct RunLock(File);

/// An attempt to own a run directory.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is ours now.
    Ours(RunLock),
    /// There is no such directory any more.
    Gone,
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
        let file = match open(&dir.file(RunDir::LOCK)) {
            // Removed a moment ago, by a run that began.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Claim::Gone),
            file => file?,
        };
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

impl Drop for RunLock {
    /// Closing would do, but for a child that is just being started: until it runs its own program it has our files open.
    fn drop(&mut self) {
        // Where there are no locks there is nothing to undo.
        let _ = self.0.unlock();
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}
