//! The directory that holds everything a run produces. Beside it is only what later runs have sooner for it.

mod lock;

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use lock::{Claim, RootLock, RunLock};

use crate::run_id::RunId;

/// A run's own directory, `<root>/<run id>`, as an absolute path without links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// The journal of the undo stack.
    pub const JOURNAL: &str = "journal.jsonl";
    /// The record of events.
    pub const EVENTS: &str = "events.jsonl";
    /// The folder beside the runs for what can be made again at any time.
    pub const CACHE: &str = "cache";
    /// Locked by the runner as long as it lives.
    pub const LOCK: &str = "run.lock";
    /// A link in the root that leads to the newest run.
    pub const LATEST: &str = "latest";

    /// Makes and locks a directory with an id that nobody has under this root.
    pub(crate) fn create(root: &Path) -> io::Result<(RunId, Self, Option<RunLock>)> {
        fs::create_dir_all(root)?;
        let root = fs::canonicalize(root)?;
        let root_lock = RootLock::take(&root)?;
        // 65,536 short ids under one root are plenty; when they get crowded, ids get longer.
        for attempt in 0..64 {
            let id = RunId::of_bits(random(), RunId::SHORTEST + attempt / 8);
            let path = root.join(id.as_str());
            match fs::create_dir(&path) {
                Ok(()) => {
                    let dir = Self { path };
                    let lock = match root_lock.claim(&dir)? {
                        Claim::Ours(lock) => Some(lock),
                        Claim::Gone | Claim::Taken => {
                            return Err(io::Error::other("somebody meddled with a directory that is new"));
                        }
                        // The runner's process id has to do.
                        Claim::CannotTell => None,
                    };
                    return Ok((id, dir, lock));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "no free run id found in 64 attempts",
        ))
    }

    /// Every run directory under a root, by id. A root that is not there has none.
    pub(crate) fn all(root: &Path) -> io::Result<Vec<(RunId, Self)>> {
        let mut runs = Vec::new();
        let entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(runs),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(id) = id
                && entry.file_type()?.is_dir()
            {
                runs.push((id, Self { path: entry.path() }));
            }
        }
        runs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(runs)
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The log file of a process. Characters that do not belong into a file name become `-`.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "._-@".contains(c) {
                c
            } else {
                '-'
            }
        };
        self.path
            .join(format!("{}.log", name.chars().map(plain).collect::<String>()))
    }

    /// Lets `<root>/latest` lead here. Replaced in one go, so that a reader never finds nothing.
    pub(crate) fn mark_latest(&self) -> io::Result<()> {
        let (Some(root), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Ok(());
        };
        let fresh = self.path.join(Self::LATEST);
        std::os::unix::fs::symlink(name, &fresh)?;
        fs::rename(&fresh, root.join(Self::LATEST))
    }
}

/// A number that nobody else draws. The standard library seeds its hashers from the system's random source.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let dir = RunDir {
            path: "/runs/7f3a".into(),
        };
        assert_eq!(
            dir.log("order@cluster"),
            Path::new("/runs/7f3a/order@cluster.log")
        );
        assert_eq!(
            dir.log("../../etc/passwd\n"),
            Path::new("/runs/7f3a/..-..-etc-passwd-.log")
        );
    }

    #[test]
    fn a_locked_directory_is_taken_until_its_owner_lets_go() {
        let root = tempfile::tempdir().unwrap();
        let (_, dir, lock) = RunDir::create(root.path()).unwrap();
        let claim = || RootLock::take(root.path()).unwrap().claim(&dir).unwrap();
        assert!(matches!(claim(), Claim::Taken));
        drop(lock);
        assert!(matches!(claim(), Claim::Ours(_)));
    }
}
