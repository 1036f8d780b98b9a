//! Who may use what only one run can use at a time: a kept cluster, the machine's Telepresence connection.
//!
//! A lease is taken by whoever uses it, and by whoever undoes it after the run that made it: see
//! [`Undo::push_leased`](crate::Undo::push_leased).

mod machine;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::explain::Explain;

/// What only one run can use at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leased {
    /// The folder for locks.
    pub folder: PathBuf,
    /// Its name on this machine.
    pub what: String,
}

/// A lock on something that has a name on this machine, held until it is dropped or its process ends, however it ends.
#[derive(Debug)]
pub struct Lease {
    leased: Leased,
    path: PathBuf,
    // The lock is the open file's.
    _file: File,
}

/// Why something can't be leased.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has it.
    #[error("{what} is in use by {holder}")]
    Held {
        /// What.
        what: String,
        /// Who, as it was written down by the holder.
        holder: String,
    },
    /// The lock file can't be written.
    #[error("the lock of {what} can't be written to {path}")]
    File {
        /// What.
        what: String,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl Explain for LeaseError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some(
                "wait for that run, or run without `--keep`: then each run has a cluster of its own".into(),
            ),
            Self::File { .. } => None,
        }
    }
}

impl Lease {
    /// The folder for locks that all of a user's runs share, whichever checkout they run from.
    #[must_use]
    pub fn shared_folder(runtime_dir: Option<PathBuf>) -> PathBuf {
        let user = rustix::process::getuid().as_raw();
        runtime_dir
            .unwrap_or_else(std::env::temp_dir)
            .join(format!("throughline-{user}"))
    }

    /// The folder for locks of what the machine has once. All users' runs share it, whatever their environments say.
    #[must_use]
    pub fn machine_folder() -> PathBuf {
        machine::folder()
    }

    /// Takes the lock of `what`, or says who has it. `holder` is what others are told about us.
    ///
    /// # Errors
    /// Somebody has it, or the folder can't be written.
    pub fn take(folder: &Path, what: &str, holder: &str) -> Result<Self, LeaseError> {
        Self::take_with(folder, what, holder, |path| {
            std::fs::create_dir_all(folder)?;
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false);
            Ok((options.mode(0o600).open(path)?, true))
        })
    }

    /// As [`Lease::take`], of what the machine has once: in [`Lease::machine_folder`], where the lock file may be another user's.
    ///
    /// # Errors
    /// As [`Lease::take`].
    pub fn take_of_machine(folder: &Path, what: &str, holder: &str) -> Result<Self, LeaseError> {
        Self::take_with(folder, what, holder, machine::open)
    }

    /// Opens the file, which is never removed: who removes a lock file takes it from under the next holder.
    fn take_with(
        folder: &Path,
        what: &str,
        holder: &str,
        open: impl FnOnce(&Path) -> io::Result<(File, bool)>,
    ) -> Result<Self, LeaseError> {
        let path = file_of(folder, what);
        let failed = |source| LeaseError::File {
            what: what.to_owned(),
            path: path.clone(),
            source,
        };
        let (mut file, writable) = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Err(LeaseError::Held {
                    what: what.to_owned(),
                    holder,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{holder}")
        };
        if writable {
            write(&mut file).map_err(failed)?;
        }
        Ok(Self {
            leased: Leased {
                folder: folder.to_owned(),
                what: what.to_owned(),
            },
            path,
            _file: file,
        })
    }

    /// Who has it; `None` when nobody has, or it can't be told. Only looks, into the kernel's table of locks: taking the
    /// lock to find out would be in the way of whoever takes it at that moment.
    #[must_use]
    pub fn holder(folder: &Path, what: &str) -> Option<String> {
        let path = file_of(folder, what);
        let inode = std::fs::metadata(&path).ok()?.ino();
        let table = std::fs::read_to_string("/proc/locks").ok()?;
        let holder = std::fs::read_to_string(&path).ok()?;
        lockers(&table, inode)
            .any(|pid| holder.contains(&format!("(pid {pid})")))
            .then_some(holder)
    }

    /// What it is the lock of.
    #[must_use]
    pub const fn leased(&self) -> &Leased {
        &self.leased
    }

    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Leased {
    /// As [`Lease::take`].
    ///
    /// # Errors
    /// As [`Lease::take`].
    pub fn take(&self, holder: &str) -> Result<Lease, LeaseError> {
        Lease::take(&self.folder, &self.what, holder)
    }
}

fn file_of(folder: &Path, what: &str) -> PathBuf {
    let name: String = what
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    // In a folder that everybody uses it should say whose it is.
    folder.join(format!("throughline-{name}.lock"))
}

/// The processes that hold a lock of this kind on a file with this number: `1: FLOCK  ADVISORY  WRITE 42 08:01:4711 0 EOF`. Those who
/// wait for one have `->` in the second column. Files of other file systems may have the same number.
fn lockers(table: &str, inode: u64) -> impl Iterator<Item = &str> {
    table.lines().filter_map(move |line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let file = columns.get(5)?.rsplit(':').next()?;
        (columns.get(1) == Some(&"FLOCK") && file.parse() == Ok(inode)).then(|| columns.get(4).copied())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_has_it_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let take = |holder: &str| Lease::take(folder.path(), "kind cluster throughline-1234", holder);
        let first = take("run 7f3a (pid 42)").unwrap();
        let error = take("run 8888 (pid 43)").unwrap_err();
        assert_eq!(
            error.to_string(),
            "kind cluster throughline-1234 is in use by run 7f3a (pid 42)"
        );
        drop(first);
        take("run 8888").unwrap();
        assert!(Lease::take(folder.path(), "something else", "run 9999").is_ok());
    }

    #[test]
    fn a_look_tells_the_holder_takes_nothing_and_believes_only_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let holder = || Lease::holder(folder.path(), "it");
        assert_eq!(Lease::holder(&folder.path().join("none"), "it"), None);
        assert_eq!(holder(), None);
        let ours = format!("run 7f3a (pid {})", std::process::id());
        let held = Lease::take(folder.path(), "it", &ours).unwrap();
        assert_eq!(holder().as_deref(), Some(ours.as_str()));
        drop(held);
        assert_eq!(holder(), None, "the text stays, the lock does not");
        // What another one has written is not borne out by our lock.
        let _held = Lease::take(folder.path(), "it", "run 8888 (pid 1)").unwrap();
        assert_eq!(holder(), None);
        assert_eq!(
            lockers("1: FLOCK  ADVISORY  WRITE 42 08:01:4711 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 43 08:01:4711 0 EOF", 4711)
                .collect::<Vec<_>>(),
            ["42"]
        );
    }

    #[test]
    fn what_the_machine_has_once_is_locked_for_everybody_with_its_holder_s_name() {
        let folder = tempfile::tempdir().unwrap();
        let ours = format!("run 7f3a (pid {})", std::process::id());
        let take = |holder: &str| Lease::take_of_machine(folder.path(), "the connection", holder);
        let held = take(&ours).unwrap();
        let error = take("run 8888 (pid 43)").unwrap_err();
        assert_eq!(error.to_string(), format!("the connection is in use by {ours}"));
        assert_eq!(Lease::holder(folder.path(), "the connection"), Some(ours));
        drop(held);
        take("run 8888 (pid 43)").unwrap();
    }

    #[test]
    fn a_shorter_name_leaves_nothing_of_the_longer_one() {
        let folder = tempfile::tempdir().unwrap();
        drop(Lease::take(folder.path(), "it", "a long name of a holder").unwrap());
        let _held = Lease::take(folder.path(), "it", "short").unwrap();
        let error = Lease::take(folder.path(), "it", "other").unwrap_err();
        assert!(
            matches!(&error, LeaseError::Held { holder, .. } if holder == "short"),
            "{error}"
        );
    }
}
