//! What a proof was able to collect about one request.

use serde::{Deserialize, Serialize};

use crate::expect::At;
use crate::id::{RequestId, SpanId, TraceId};
use crate::site::Site;
use crate::span::ServiceName;
use crate::tree::Trace;

/// Everything that is known about one request when it is judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The trace id that was chosen before the request was sent.
    pub trace_id: TraceId,
    /// The span id that the caller put into `traceparent`. It is a legitimate parent even when no such span was recorded.
    pub caller_span: SpanId,
    /// The `x-request-id` that travelled with the request.
    pub request_id: RequestId,
    /// What the caller got.
    pub answer: Answer,
    /// The trace under [`Evidence::trace_id`]; `None` when the store has no span of it.
    pub trace: Option<Trace>,
    /// Other traces whose spans carry our request id.
    pub strays: Vec<Trace>,
    /// What each reachable process says of the spans it started and exported. Read *before* the trace, so that
    /// a span that its exporter counts as delivered must be in the trace.
    pub accounts: Vec<ExportAccount>,
}

/// What came back to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// An HTTP response.
    Response {
        /// Its status code.
        status: u16,
        /// The beginning of its body, for the report.
        body: String,
    },
    /// No response: the error as the client told it.
    Failed(String),
}

/// One process's own count of its spans since it started: the difference between "late" and "lost".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportAccount {
    /// `service.name`.
    pub service: ServiceName,
    /// Where it runs.
    pub site: Site,
    /// `service.version`.
    pub version: String,
    /// The process id as the process itself sees it.
    pub pid: u32,
    /// Where spans go, for people: an endpoint, or `none`.
    pub exporter: String,
    /// The formats in which it reads and writes contexts, as `OTEL_PROPAGATORS` names them; empty when it doesn't say.
    #[serde(default)]
    pub propagators: Vec<String>,
    /// Who decides which spans are recorded, as `OTEL_TRACES_SAMPLER` names it; empty when it doesn't say.
    #[serde(default)]
    pub sampler: String,
    /// Spans that its sampler did not want. They count nowhere else.
    #[serde(default)]
    pub sampled_out: u64,
    /// Sampled spans that were started.
    pub started: u64,
    /// Spans that the receiver acknowledged.
    pub exported: u64,
    /// Spans that were given up: refused, timed out, or dropped from a full queue.
    pub failed: u64,
    /// The last export error in the exporter's words.
    pub last_error: Option<String>,
}

impl ExportAccount {
    /// Spans still open or on their way.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.started
            .saturating_sub(self.exported)
            .saturating_sub(self.failed)
    }

    /// Whether it delivers to anybody: `OTEL_TRACES_EXPORTER=none` does not.
    #[must_use]
    pub fn delivers(&self) -> bool {
        !matches!(self.exporter.trim().to_ascii_lowercase().as_str(), "" | "none")
    }

    /// Whether its sampler drops spans whatever the caller decided. One that is `parentbased_…` keeps what comes sampled.
    #[must_use]
    pub fn overrules_the_caller(&self) -> bool {
        self.sampled_out > 0 && !self.sampler.starts_with("parentbased")
    }

    /// Spans that can still arrive: [`ExportAccount::pending`], unless it delivers to nobody.
    #[must_use]
    pub fn owes(&self) -> u64 {
        if self.delivers() { self.pending() } else { 0 }
    }

    /// The process's place.
    #[must_use]
    pub fn place(&self) -> At {
        At {
            service: self.service.clone(),
            site: Some(self.site),
        }
    }
}
