//! The directory that holds everything a run produces; nothing else is written anywhere.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use crate::run_id::RunId;

/// A run's own directory, `<root>/<run id>`, as an absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// The journal of the undo stack.
    pub const JOURNAL: &str = "journal.jsonl";
    /// The record of events.
    pub const EVENTS: &str = "events.jsonl";
    /// Locked by the runner as long as it lives.
    pub const LOCK: &str = "run.lock";
    /// A link in the root that leads to the newest run.
    pub const LATEST: &str = "latest";

    /// Makes a directory with an id that nobody has under this root.
    pub(crate) fn create(root: &Path) -> io::Result<(RunId, Self)> {
        fs::create_dir_all(root)?;
        let root = fs::canonicalize(root)?;
        // 65,536 short ids under one root are plenty; when they get crowded, ids get longer.
        for attempt in 0..64 {
            let id = RunId::of_bits(random(), RunId::SHORTEST + attempt / 8);
            let path = root.join(id.as_str());
            match fs::create_dir(&path) {
                Ok(()) => return Ok((id, Self { path })),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "no free run id found in 64 attempts",
        ))
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
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
