//! Why a run could not begin.

use std::io;
use std::path::PathBuf;

use crate::explain::{Class, Explain};
use crate::text::quote;

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The run directory cannot be made or written.
    #[error("cannot write the run directory below {}", root.display())]
    Directory {
        /// The folder that should hold it.
        root: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A scratch folder cannot be made.
    #[error("cannot make the scratch folder {}", path.display())]
    Scratch {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl Explain for RunError {
    fn hint(&self) -> Option<String> {
        let (path, source) = match self {
            Self::Directory { root, source } => (root, source),
            Self::Scratch { path, source } => (path, source),
        };
        Some(match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                format!("free space on the file system of {}", path.display())
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                format!(
                    "something that is no folder is in the way: see `ls -ld {}`",
                    quote(path.as_os_str())
                )
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                format!("make {} a folder that you may write", path.display())
            }
            _ => format!("see `ls -ld {}`", quote(path.as_os_str())),
        })
    }

    fn class(&self) -> Class {
        Class::Prerequisite
    }
}
