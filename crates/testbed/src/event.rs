//! What happens during a run, as data: console, JSON lines, reports and CI output are consumers of these.

mod stream;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use trace::{RequestId, TraceId, Verdict};

use crate::environment::EnvironmentName;
use crate::run_id::RunId;
use crate::undo::LeftBecause;

pub use stream::{EventReceiver, Events, Stamped};

/// One thing that happened. Durations are milliseconds in JSON, in fields that end in `_ms`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first event of a run.
    RunStarted {
        /// Which run.
        run: RunId,
        /// Where it runs.
        environment: EnvironmentName,
        /// The run directory.
        dir: PathBuf,
        /// Why `auto` chose this environment; `None` when the user named it.
        chosen: Option<String>,
        /// What a green run here does not prove.
        cannot_prove: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A step began.
    StepStarted {
        /// Its name.
        step: String,
    },
    /// A step ended.
    StepFinished {
        /// Its name.
        step: String,
        /// How long it took.
        #[serde(rename = "took_ms", with = "millis")]
        took: Duration,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
        /// What it brought, for people: an address, a version.
        detail: Option<String>,
    },
    /// A scenario or twin began.
    ScenarioStarted {
        /// Its name.
        scenario: String,
        /// The scenario that it is a twin of.
        twin_of: Option<String>,
    },
    /// A scenario or twin was judged.
    ScenarioFinished {
        /// Its name.
        scenario: String,
        /// The scenario that it is a twin of.
        twin_of: Option<String>,
        /// The judgement.
        verdict: Verdict,
        /// Whether that is what was expected: a twin is expected to fail.
        as_expected: bool,
        /// How long it took.
        #[serde(rename = "took_ms", with = "millis")]
        took: Duration,
        /// The report page, relative to the run directory.
        file: Option<PathBuf>,
    },
    /// Something broke on purpose in a scenario that was judged, and worked again.
    Recovered {
        /// The scenario's name.
        scenario: String,
        /// For people: after what, until what, and what callers saw meanwhile.
        how: String,
        /// How long it took.
        #[serde(rename = "took_ms", with = "millis")]
        took: Duration,
    },
    /// A scenario was not run.
    ScenarioSkipped {
        /// Its name.
        scenario: String,
        /// Why.
        reason: String,
    },
    /// A request that was seen in the store while it was followed.
    RequestSeen(Box<RequestSeen>),
    /// A line that a process printed; only of those that were started [told](crate::ProcessSpec::told).
    ProcessPrinted {
        /// The process's name.
        process: String,
        /// The line, without its end.
        line: String,
    },
    /// An answer to what the user asked for during the run, for people: one or more lines.
    Shown {
        /// The lines.
        text: String,
    },
    /// Something worth knowing.
    Note {
        /// What.
        text: String,
    },
    /// What ends the run before its time, and what to do about it.
    Error {
        /// What.
        text: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Something that may matter, and what to do about it.
    Warning {
        /// What.
        text: String,
        /// What to do.
        hint: Option<String>,
    },
    /// One entry of the undo stack was done.
    UndoFinished {
        /// Its name.
        name: String,
        /// How long it took.
        #[serde(rename = "took_ms", with = "millis")]
        took: Duration,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// One entry of the undo stack was not tried.
    UndoLeft {
        /// Its name.
        name: String,
        /// What a person would do by hand.
        by_hand: String,
        /// Why, and whether that is on purpose.
        #[serde(flatten)]
        because: LeftBecause,
    },
    /// A piece of evidence was saved.
    Collected {
        /// What it is.
        what: String,
        /// Where it is, relative to the run directory.
        path: PathBuf,
    },
    /// The last event of a run.
    RunFinished {
        /// The exit code of the program.
        exit_code: u8,
        /// How the scenarios ended.
        counts: Counts,
        /// How long the run took.
        #[serde(rename = "took_ms", with = "millis")]
        took: Duration,
    },
}

/// A request as its trace shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestSeen {
    /// Its trace.
    pub trace_id: TraceId,
    /// The request id that its spans carry.
    pub request_id: Option<RequestId>,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// The places it went through, and what is found under other trace ids.
    pub path: String,
    /// Who handled it for the service that can be intercepted.
    pub answered_by: Option<String>,
    /// From the beginning of its first span to the end of its last one.
    #[serde(rename = "took_ms", with = "millis")]
    pub took: Duration,
    /// What keeps it from being one whole trace; empty when it is one.
    pub problems: Vec<String>,
    /// Whether it was told before, and more of it has come since.
    pub again: bool,
    /// Where a person sees the trace.
    pub url: String,
}

/// How a step or an undo entry ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    Ok,
    /// With an error.
    Failed {
        /// The error with its causes.
        error: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Its time was up.
    TimedOut,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

/// How many scenarios ended how. Twins count as scenarios: passed means as expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Telemetry never settled.
    pub inconclusive: usize,
    /// Not run.
    pub skipped: usize,
}

/// Milliseconds with microsecond precision.
pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(millis / 1e3).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
