//! Why Docker did not do what it was asked, and what cures it.

use testbed::{Explain, ProcessError, WaitError};

/// Why Docker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// The Engine does not answer.
    #[error("the Docker Engine can't be reached: {reason}")]
    Unreachable {
        /// Docker's words.
        reason: String,
    },
    /// There is no such container.
    #[error("there is no container {container}")]
    NoContainer {
        /// Its name.
        container: String,
    },
    /// The disk is full.
    #[error("no space left on the device that Docker keeps its data on: `{command}`")]
    DiskFull {
        /// The command.
        command: String,
    },
    /// It failed for another reason.
    #[error("{reason}: `{command}`")]
    Refused {
        /// The command.
        command: String,
        /// The last line that it printed.
        reason: String,
    },
    /// It answered something that can't be read.
    #[error("the answer of `{command}` can't be read: {answer:?}")]
    Odd {
        /// The command.
        command: String,
        /// The beginning of the answer.
        answer: String,
    },
    /// It could not be run to its end.
    #[error(transparent)]
    Call(#[from] ProcessError),
    /// Something in a container did not come.
    #[error(transparent)]
    Wait(#[from] WaitError),
}

impl Explain for DockerError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { reason } if reason.contains("permission denied") => {
                Some("let this user use Docker (`sudo usermod -aG docker $USER`, then log in again)".into())
            }
            Self::Unreachable { .. } => Some("start Docker and check with `docker info`".into()),
            Self::DiskFull { .. } => Some("free space, for instance with `docker system prune`".into()),
            Self::NoContainer { .. } => Some("somebody removed it meanwhile: see `docker ps --all`".into()),
            Self::Call(error) => error.hint(),
            Self::Wait(error) => error.hint(),
            Self::Refused { command, .. } if command.contains(" pull ") => Some(
                "is its name right, and can this machine reach the registry? `--pin` names one elsewhere"
                    .into(),
            ),
            Self::Refused { .. } | Self::Odd { .. } => None,
        }
    }
}
