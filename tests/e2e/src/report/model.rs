//! What a run leaves behind for readers: `report.json` is the serialisation of [`RunReport`], the HTML page is drawn from it.

use std::path::PathBuf;

use serde::Serialize;
use testbed::environment::EnvironmentName;
use testbed::event::Counts;
use trace::render::Waterfall;
use trace::{Answer, ExportAccount, RequestId, Shape, TraceId, Verdict};

use crate::breakpoint::Standstill;
use crate::proof::Proof;
use crate::stage::Recovery;

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The run's id, the name of its folder.
    pub run: String,
    /// Where it ran.
    pub environment: EnvironmentName,
    /// Why this environment, when `auto` chose it.
    pub chosen: Option<String>,
    /// What a green run in this environment does not prove.
    pub cannot_prove: Option<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// From the first step to the end of the undo, in milliseconds.
    pub took_ms: f64,
    /// How many of what.
    pub counts: Counts,
    /// Every scenario and twin in the order in which they were played.
    pub scenarios: Vec<ScenarioReport>,
    /// Every step in the order in which they ended.
    pub steps: Vec<StepReport>,
    /// What was undone, and what was not.
    pub undo: Vec<UndoLine>,
    /// What ended it before its time, with hints.
    pub errors: Vec<String>,
    /// What was warned about, with hints.
    pub warnings: Vec<String>,
    /// The processes' logs, relative to the run directory.
    pub logs: Vec<PathBuf>,
    /// Files and folders of evidence, relative to the run directory.
    pub collected: Vec<CollectedFile>,
    /// The process's exit code.
    pub exit_code: u8,
    /// Its meaning.
    pub exit_meaning: &'static str,
}

impl RunReport {
    /// The report of a run of which nothing is known yet.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            run: String::new(),
            environment: EnvironmentName::Embedded,
            chosen: None,
            cannot_prove: None,
            started_at: String::new(),
            took_ms: 0.0,
            counts: Counts::default(),
            scenarios: Vec::new(),
            steps: Vec::new(),
            undo: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            logs: Vec::new(),
            collected: Vec::new(),
            exit_code: 0,
            exit_meaning: "",
        }
    }
}

/// How a scenario or twin ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// The telemetry never settled.
    Inconclusive,
    /// Not played.
    Skipped {
        /// Why not.
        reason: String,
    },
}

impl Outcome {
    /// Whether there is a verdict and a time to speak of.
    #[must_use]
    pub const fn was_played(&self) -> bool {
        !matches!(self, Self::Skipped { .. })
    }
}

/// One scenario or twin.
#[derive(Debug, Clone, Serialize)]
pub struct ScenarioReport {
    /// `scenario` or `scenario/twin`.
    pub name: String,
    /// The scenario's line, or what the twin breaks.
    pub about: String,
    /// For a twin: what the judge must say.
    pub twin: Option<TwinReport>,
    /// Counts from 1 with `--repeat`.
    pub round: u32,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What the judge said of all cases together; `None` when it was not played to the end.
    pub verdict: Option<Verdict>,
    /// Why it was not played to the end.
    pub error: Option<String>,
    /// Who answered, proven with nonces.
    pub proofs: Vec<Proof>,
    /// How long it took until it worked again after something was broken on purpose, or until an intercept was proven.
    pub recoveries: Vec<Recovery>,
    /// What was judged.
    pub cases: Vec<CaseReport>,
    /// From its first step to its last, in milliseconds.
    pub took_ms: f64,
}

/// What makes a twin a twin.
#[derive(Debug, Clone, Serialize)]
pub struct TwinReport {
    /// The scenario that it breaks.
    pub of: &'static str,
    /// What is broken.
    pub fault: String,
    /// What the judge must say.
    pub must_be_judged: String,
}

/// One judged case.
#[derive(Debug, Clone, Serialize)]
pub struct CaseReport {
    /// What it is, within its scenario.
    pub label: String,
    /// The outcome.
    pub verdict: Verdict,
    /// The request, when the case is about one.
    pub request: Option<RequestReport>,
    /// From the first look to the judgement, in milliseconds.
    pub waited_ms: f64,
    /// What it was judged on: our trace and stray ones; `None` when there is no span at all, or when an earlier case of the
    /// scenario shows the same trace.
    pub picture: Option<PictureReport>,
    /// What can be compared with the same case in another environment: see [`crate::parity`]. `None` for facts that are not
    /// about one request.
    pub shape: Option<Shape>,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct RequestReport {
    /// Its `x-request-id`.
    pub request_id: RequestId,
    /// The trace id that it was sent under.
    pub trace_id: TraceId,
    /// What came back.
    pub answer: Answer,
    /// What the processes said of their spans when it was judged.
    pub accounts: Vec<ExportAccount>,
}

/// A request's trace with its stray ones, in every form that people read.
#[derive(Debug, Clone, Serialize)]
pub struct PictureReport {
    /// The traces in it, ours first.
    pub traces: Vec<TraceId>,
    /// Where to open ours while the environment is up.
    pub jaeger_url: String,
    /// `storefront@cluster → order-service@workstation → …`
    pub path: String,
    /// The trees as text.
    pub text: String,
    /// A Mermaid sequence diagram.
    pub mermaid: String,
    /// Bars, in display order.
    pub waterfall: Waterfall,
    /// Where the request stood at a breakpoint, on the waterfall's axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseReport>,
    /// Where text and Mermaid are on disk, relative to the run directory, without extension.
    pub file: PathBuf,
}

/// A stop at a breakpoint, drawn beside the spans around it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PauseReport {
    /// File name and line.
    pub at: String,
    /// Where it begins, as a fraction of the axis from 0 to 1.
    pub offset: f64,
    /// How long it is, as a fraction of the axis; `offset + width` is at most 1.
    pub width: f64,
    /// When it began, counted from the axis' begin, in milliseconds.
    pub after_ms: f64,
    /// How long it lasted, in milliseconds.
    pub held_ms: f64,
}

impl PauseReport {
    /// Lays a stop on a waterfall's axis; `None` where nothing of it is on the axis. The clock of this machine is the one by which the
    /// workstation's spans are told too.
    #[must_use]
    pub fn on(waterfall: &Waterfall, stood: &Standstill) -> Option<Self> {
        let total = waterfall.total.as_secs_f64();
        if total <= 0.0 {
            return None;
        }
        let held = stood.held.as_secs_f64();
        let after = stood.from.0.wrapping_sub(waterfall.start.0).cast_signed() as f64 / 1e9;
        let on_axis = |time: f64| (time / total).clamp(0.0, 1.0);
        let (offset, end) = (on_axis(after), on_axis(after + held));
        (end > offset).then(|| Self {
            at: stood.at.clone(),
            offset,
            width: end - offset,
            after_ms: after.max(0.0) * 1e3,
            held_ms: held * 1e3,
        })
    }
}

/// One step.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// Its name.
    pub name: String,
    /// What was being played; `None` while the environment came up.
    pub scenario: Option<Playing>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// `None` when it succeeded.
    pub error: Option<String>,
    /// What it found, an address for example.
    pub detail: Option<String>,
}

/// A scenario or twin while it is played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Playing {
    /// `scenario` or `scenario/twin`.
    pub scenario: String,
    /// Counts from 1 with `--repeat`.
    pub round: u32,
}

/// One undone thing.
#[derive(Debug, Clone, Serialize)]
pub struct UndoLine {
    /// What.
    pub name: String,
    /// `None` when it was undone.
    pub error: Option<String>,
}

/// One collected file or folder.
#[derive(Debug, Clone, Serialize)]
pub struct CollectedFile {
    /// What it is.
    pub what: String,
    /// Where, relative to the run directory.
    pub path: PathBuf,
}
