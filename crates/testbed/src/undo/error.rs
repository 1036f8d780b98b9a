//! Why something could not be undone.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::explain::Explain;
use crate::run_id::RunId;
use crate::text::{Took, quote};

/// Why an entry of the undo stack could not be undone. A child that does not stop and a command that fails are
/// [`ProcessError`](crate::ProcessError)s.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// It took longer than it may, and was given up.
    #[error("not undone within {}", Took(*limit))]
    TookTooLong {
        /// What it was given.
        limit: Duration,
    },
    /// The code that should have undone it panicked.
    #[error("panicked while undoing: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// A path that is neither in the run's directory nor in one of its scratch folders, and no link into the directory beside it, is never removed.
    #[error("refused to remove {}: it is not inside the run's directory or scratch folders", path.display())]
    Outside {
        /// The path.
        path: PathBuf,
    },
    /// A path could not be removed.
    #[error("cannot remove {}", path.display())]
    Remove {
        /// The path.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Processes that survived SIGKILL, or belong to somebody else.
    #[error("{name} of run {run} is still running: pid {}", list(pids))]
    StillRunning {
        /// The run.
        run: RunId,
        /// The process.
        name: String,
        /// Its process ids.
        pids: Vec<i32>,
    },
    /// A process with the recorded number exists, and this system can't tell whether it is the same one.
    #[error("{name} of run {run} may still be running as pid {pid}; this system can't tell")]
    CannotTell {
        /// The run.
        run: RunId,
        /// The process.
        name: String,
        /// The recorded number.
        pid: u32,
    },
}

impl Explain for UndoError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Outside { path } | Self::Remove { path, .. } => {
                Some(format!("look at it, then `rm -rf {}`", quote(path.as_os_str())))
            }
            Self::StillRunning { pids, .. } => Some(format!("`kill -9 {}`", list(pids))),
            Self::CannotTell { pid, .. } => Some(format!(
                "look at it with `ps -p {pid}`, then `kill {pid}` if it is ours"
            )),
            Self::TookTooLong { .. } | Self::Panicked { .. } => None,
        }
    }
}

fn list(pids: &[i32]) -> String {
    pids.iter().map(i32::to_string).collect::<Vec<_>>().join(" ")
}
