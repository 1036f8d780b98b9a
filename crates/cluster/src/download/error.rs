//! Why a program was not downloaded.

use std::path::PathBuf;
use std::time::Duration;

use testbed::text::Took;
use testbed::{Explain, StepError};

use crate::pins::Pin;

/// Why a program was not downloaded. Nothing of it stays.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Nobody publishes it for this platform, or nothing is pinned for it.
    #[error("there is no download of {program} for {platform}")]
    Platform {
        /// The program.
        program: &'static str,
        /// The platform, in the words of releases.
        platform: String,
    },
    /// What would come could not be checked.
    #[error("{program} {version} is absent, and is not downloaded: its checksum is not pinned")]
    NoChecksum {
        /// The program.
        program: &'static str,
        /// Its version.
        version: String,
        /// Where the checksum belongs.
        pin: Pin,
        /// The address.
        url: String,
    },
    /// It is not what it should be.
    #[error("what {url} sends has the checksum {found}, and {expected} is pinned; it was removed")]
    Checksum {
        /// The address.
        url: String,
        /// What came.
        found: String,
        /// What should have come.
        expected: String,
    },
    /// The server does not give it.
    #[error("{url} answers {status}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server can't be reached, or the connection broke.
    #[error("{url} can't be downloaded: {reason}")]
    Broken {
        /// The address.
        url: String,
        /// Why, down to the operating system's words.
        reason: String,
    },
    /// It sends more than any of these programs has.
    #[error("{url} sends more than {limit} bytes")]
    TooBig {
        /// The address.
        url: String,
        /// How much is taken, in bytes.
        limit: u64,
    },
    /// Nothing came for a while, or all of it took too long.
    #[error("{url} was given up: {reason}")]
    TooSlow {
        /// The address.
        url: String,
        /// Which limit it was.
        reason: String,
    },
    /// A file can't be written.
    #[error("{} can't be written", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The step failed, took too long, or was interrupted.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl DownloadError {
    pub(super) fn silent(url: &str, silence: Duration) -> Self {
        Self::TooSlow {
            url: url.to_owned(),
            reason: format!("nothing came for {}", Took(silence)),
        }
    }
}

impl Explain for DownloadError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Platform { program, .. } => Some(format!("install `{program}`, or put its folder on `PATH`")),
            Self::NoChecksum {
                program,
                version,
                pin,
                url,
            } => {
                let ask = match pin {
                    Pin::KindLinuxAmd64 | Pin::KindLinuxArm64 => format!("`curl -fsSL {url}.sha256sum` tells it"),
                    _ => format!(
                        "`curl -fsSL https://api.github.com/repos/telepresenceio/telepresence/releases/tags/v{version}` has it \
                         as `digest`"
                    ),
                };
                Some(format!(
                    "{ask}; then `--pin {pin}={url}@sha256:…`, or install `{program}` yourself"
                ))
            }
            Self::Checksum { .. } => Some(
                "if the version was raised on purpose, pin its checksum too; otherwise don't trust what came".into(),
            ),
            Self::Status { .. } => Some("is the version published for this platform? A mirror is named with `--pin`".into()),
            Self::Broken { .. } | Self::TooSlow { .. } => Some(
                "is there a way to the network? A mirror is named with `--pin`; a program on `PATH` needs no download".into(),
            ),
            Self::TooBig { .. } => Some("look at what is at that address".into()),
            Self::Write { .. } => Some("free space, or choose another folder with `--root`".into()),
            Self::Step(error) => error.hint(),
        }
    }
}
