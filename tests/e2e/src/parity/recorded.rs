//! A run as its `report.json` has it, as far as it can be compared with another one.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use testbed::{EnvironmentName, Explain};
use trace::Shape;

use crate::exit::ExitCode;

/// A run that was written down.
#[derive(Debug, Clone, Deserialize)]
pub struct Recorded {
    /// Its id.
    pub run: String,
    /// Where it ran.
    pub environment: EnvironmentName,
    pub(super) scenarios: Vec<RecordedScenario>,
    exit_code: u8,
}

/// With these codes a run has played all that it was asked for.
const PLAYED: [ExitCode; 4] = [
    ExitCode::Passed,
    ExitCode::ExpectationFailed,
    ExitCode::Inconclusive,
    ExitCode::UndoIncomplete,
];

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RecordedScenario {
    pub(super) name: String,
    pub(super) round: u32,
    pub(super) result: String,
    /// Why it was skipped.
    pub(super) reason: Option<String>,
    pub(super) cases: Vec<RecordedCase>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RecordedCase {
    pub(super) label: String,
    pub(super) verdict: RecordedVerdict,
    /// `None` for facts that are not about one request.
    pub(super) shape: Option<Shape>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RecordedVerdict {
    verdict: String,
    #[serde(default)]
    mismatches: Vec<RecordedMismatch>,
}

#[derive(Debug, Clone, Deserialize)]
struct RecordedMismatch {
    cause: Option<RecordedCause>,
}

#[derive(Debug, Clone, Deserialize)]
struct RecordedCause {
    kind: String,
}

/// A run that can't be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no report to read.
    #[error("no report can be read in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file is not the report of a run.
    #[error("{} is not the report of a run", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        source: serde_json::Error,
    },
    /// The run did not play all that it was asked for: that there is no difference would mean nothing.
    #[error("{} is of a run that was cut short: {}", path.display(), ExitCode::meaning(*code))]
    CutShort {
        /// The file.
        path: PathBuf,
        /// The run's exit code.
        code: u8,
    },
}

impl Explain for ReadError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::CutShort { .. } => "play it again to its end, and compare that run",
            _ => {
                "name two directories of runs, each with its `report.json`: `cargo xtask parity --from RUN_DIR RUN_DIR`"
            }
        };
        Some(hint.to_owned())
    }
}

impl Recorded {
    /// Reads the report in a run directory, or the file itself.
    ///
    /// # Errors
    /// It is not there, was written by something else, or is of a run that was cut short.
    pub fn read(place: &Path) -> Result<Self, ReadError> {
        let path = if place.is_dir() {
            place.join("report.json")
        } else {
            place.to_owned()
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ReadError::File { path, source }),
        };
        let read: Self = match serde_json::from_slice(&bytes) {
            Ok(read) => read,
            Err(source) => return Err(ReadError::Report { path, source }),
        };
        if PLAYED.iter().any(|code| code.code() == read.exit_code) {
            return Ok(read);
        }
        Err(ReadError::CutShort {
            path,
            code: read.exit_code,
        })
    }
}

impl RecordedScenario {
    pub(super) fn skipped(&self) -> bool {
        self.result == "skipped"
    }
}

impl RecordedVerdict {
    /// The verdict with the kinds of its causes: `fail (header_lost)`.
    pub(super) fn gist(&self) -> String {
        let causes: BTreeSet<&str> = self
            .mismatches
            .iter()
            .filter_map(|mismatch| Some(mismatch.cause.as_ref()?.kind.as_str()))
            .collect();
        if causes.is_empty() {
            return self.verdict.clone();
        }
        let causes: Vec<&str> = causes.into_iter().collect();
        format!("{} ({})", self.verdict, causes.join(", "))
    }
}
