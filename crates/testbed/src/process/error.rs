//! What can go wrong with a child process.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::exit::Exit;
use crate::explain::{Class, Explain};
use crate::text::{Took, quote};

/// A process that did not start, did not say what it should, or did not stop.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program.
    #[error("{name}: program not found: `{command}`")]
    NotFound {
        /// The process.
        name: String,
        /// The command line.
        command: String,
        /// The program that was looked for.
        program: PathBuf,
    },
    /// There is such a file, and it may not be run.
    #[error("{name}: not executable: `{command}`")]
    NotExecutable {
        /// The process.
        name: String,
        /// The command line.
        command: String,
        /// The file.
        program: PathBuf,
    },
    /// The folder that it should start in is not there.
    #[error("{name}: no such folder: {}", dir.display())]
    NoFolder {
        /// The process.
        name: String,
        /// The folder.
        dir: PathBuf,
    },
    /// It could not be started for another reason.
    #[error("{name}: cannot start `{command}`")]
    Start {
        /// The process.
        name: String,
        /// The command line.
        command: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Its log file cannot be written.
    #[error("{name}: cannot write its log file {}", path.display())]
    Log {
        /// The process.
        name: String,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It ended while something was expected of it.
    #[error("{name} ended too early: {exit}{}", Tail(tail))]
    Died {
        /// The process.
        name: String,
        /// How it ended.
        exit: Exit,
        /// Its last lines.
        tail: Vec<String>,
        /// Its whole output.
        log: PathBuf,
    },
    /// It did not say what it should in time.
    #[error("{name} did not print the expected line within {}{}", Took(*waited), Tail(tail))]
    Silent {
        /// The process.
        name: String,
        /// How long was waited.
        waited: Duration,
        /// Its last lines.
        tail: Vec<String>,
        /// Its whole output.
        log: PathBuf,
    },
    /// It did not end in time.
    #[error("{name} still runs after {}{}", Took(*waited), Tail(tail))]
    StillRuns {
        /// The process.
        name: String,
        /// How long was waited.
        waited: Duration,
        /// Its last lines.
        tail: Vec<String>,
        /// Its whole output.
        log: PathBuf,
    },
    /// Waiting for it was interrupted.
    #[error("{name}: waiting was interrupted")]
    Interrupted {
        /// The process.
        name: String,
    },
    /// It took longer than it may, and was stopped.
    #[error("{name} took longer than {} and was stopped: `{command}`{}", Took(*limit), Tail(tail))]
    TookTooLong {
        /// The process.
        name: String,
        /// The command line.
        command: String,
        /// What it was given.
        limit: Duration,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// It ended with another code than 0.
    #[error("{name}: {exit}: `{command}`{}", Tail(tail))]
    Failed {
        /// The process.
        name: String,
        /// The command line.
        command: String,
        /// How it ended.
        exit: Exit,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// SIGKILL did not end it in time: it hangs inside the kernel.
    #[error("{name} (pid {pid}) is still there {} after SIGKILL", Took(*waited))]
    Unstoppable {
        /// The process.
        name: String,
        /// Its process id.
        pid: u32,
        /// How long was waited.
        waited: Duration,
    },
    /// The operating system refused to signal or to wait for it.
    #[error("{name} (pid {pid}) cannot be stopped")]
    Stop {
        /// The process.
        name: String,
        /// Its process id.
        pid: u32,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl Explain for ProcessError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { program, .. } if program.components().count() > 1 => Some(format!(
                "build it first: {} is not there",
                quote(program.as_os_str())
            )),
            Self::NotFound { program, .. } => Some(format!(
                "install {} or put it on PATH",
                quote(program.as_os_str())
            )),
            Self::NotExecutable { program, .. } => Some(format!("`chmod +x {}`", quote(program.as_os_str()))),
            Self::Died { log, .. } | Self::Silent { log, .. } | Self::StillRuns { log, .. } => {
                Some(format!("its whole output is in {}", log.display()))
            }
            Self::Unstoppable { pid, .. } => Some(format!(
                "see what it waits for with `cat /proc/{pid}/stack` or `ps -o wchan -p {pid}`"
            )),
            Self::TookTooLong { .. } => Some("run that command by hand: it shows what it waits for".into()),
            _ => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::NotFound { .. } | Self::NotExecutable { .. } => Class::Prerequisite,
            Self::Interrupted { .. } => Class::Interrupted,
            _ => Class::Unexpected,
        }
    }
}

/// The last lines, each on a line of its own.
struct Tail<'a>(&'a [String]);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More is in the log file.
        const SHOWN: usize = 12;
        if self.0.is_empty() {
            return f.write_str("; it printed nothing");
        }
        f.write_str("; it printed last:")?;
        for line in &self.0[self.0.len().saturating_sub(SHOWN)..] {
            write!(f, "\n  | {line}")?;
        }
        Ok(())
    }
}
