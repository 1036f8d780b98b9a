//! When each step was begun, in `workshop.json` beside the run directories.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use testbed::Explain;

const FILE: &str = "workshop.json";

/// When each step was begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// By the step's number; the last time counts.
    pub started: BTreeMap<u8, Timestamp>,
}

/// Notes that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum NotesError {
    /// The file or its folder.
    #[error("cannot read or write {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Somebody else wrote it.
    #[error("{} is not what `workshop start` writes", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Where it goes wrong.
        source: serde_json::Error,
    },
}

impl Explain for NotesError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File { .. } => None,
            Self::Form { .. } => Some("`cargo xtask workshop reset` forgets it".to_owned()),
        }
    }
}

impl Notes {
    /// Reads the notes below a folder of runs; none when nothing was begun.
    ///
    /// # Errors
    /// There is a file, and it can't be read.
    pub fn read(root: &Path) -> Result<Self, NotesError> {
        let path = root.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| NotesError::Form { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(NotesError::File { path, source }),
        }
    }

    /// Writes the notes below a folder of runs.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(&self, root: &Path) -> Result<(), NotesError> {
        let path = root.join(FILE);
        let bytes = match serde_json::to_vec_pretty(self) {
            Ok(bytes) => bytes,
            Err(source) => return Err(NotesError::Form { path, source }),
        };
        std::fs::create_dir_all(root)
            .and_then(|()| std::fs::write(&path, bytes))
            .map_err(|source| NotesError::File { path, source })
    }

    /// Forgets everything below a folder of runs.
    ///
    /// # Errors
    /// The file is there and can't be removed.
    pub fn forget(root: &Path) -> Result<(), NotesError> {
        let path = root.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(NotesError::File { path, source: error })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_remembered_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("runs");
        assert_eq!(Notes::read(&root).unwrap(), Notes::default());
        let mut notes = Notes::default();
        notes.started.insert(2, Timestamp::UNIX_EPOCH);
        notes.write(&root).unwrap();
        assert_eq!(Notes::read(&root).unwrap(), notes);
        Notes::forget(&root).unwrap();
        Notes::forget(&root).unwrap();
        assert_eq!(Notes::read(&root).unwrap(), Notes::default());
    }

    #[test]
    fn a_file_of_somebody_elses_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "[]").unwrap();
        let error = Notes::read(folder.path()).unwrap_err();
        assert!(
            error.to_string().ends_with("is not what `workshop start` writes"),
            "{error}"
        );
        assert!(error.hint().is_some());
    }
}
