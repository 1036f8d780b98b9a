//! What a judgement says. It never says only "false".

mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::expect::At;
use crate::id::{RequestId, SpanId, TraceId};
use crate::site::Site;
use crate::span::ServiceName;
pub use words::Line;

/// The outcome for one request or scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Every expectation holds on settled evidence.
    Pass {
        /// What convinced us, one line each, for the report.
        shown: Vec<String>,
    },
    /// At least one expectation does not hold on settled evidence. All of them are listed.
    Fail {
        /// Never empty.
        mismatches: Vec<Mismatch>,
    },
    /// The telemetry never settled: nothing is known about the application.
    Inconclusive {
        /// How long was waited.
        waited: Duration,
        /// What was still missing, and who still owed it.
        last: String,
    },
}

/// One expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mismatch {
    /// What should be.
    pub expected: String,
    /// What is there instead.
    pub found: String,
    /// The span to look at, when there is one.
    pub at: Option<SpanId>,
    /// Why, when the evidence shows it.
    pub cause: Option<Cause>,
}

/// Why an expectation does not hold, as far as the evidence shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Cause {
    /// The callee recorded the request under another trace id.
    HeaderLost {
        /// The last place that had the right trace.
        from: At,
        /// The first place that had another one.
        to: At,
        /// The other trace.
        stray: TraceId,
        /// The request that links them.
        request: RequestId,
    },
    /// As [`Cause::HeaderLost`], and the processes say why: the one does not read what the other one writes.
    OtherPropagator {
        /// The last place that had the right trace.
        from: At,
        /// The first place that had another one.
        to: At,
        /// The other trace.
        stray: TraceId,
        /// The request that links them.
        request: RequestId,
        /// Who speaks otherwise.
        process: At,
        /// The formats of trace context that it speaks, in the words of `OTEL_PROPAGATORS`.
        speaks: String,
        /// What its neighbour speaks.
        others: String,
    },
    /// A span that should have been below another one of its own process began a trace of its own.
    ContextLost {
        /// Who.
        process: At,
        /// The span's name.
        span: String,
        /// The other trace.
        stray: TraceId,
        /// The request that links them.
        request: RequestId,
    },
    /// The process's sampler did not want the spans: nothing was lost, it was never recorded.
    SampledOut {
        /// Who.
        process: At,
        /// Spans dropped.
        spans: u64,
        /// Who decided, in the words of `OTEL_TRACES_SAMPLER`.
        sampler: String,
    },
    /// A process started spans and never tried to deliver them, or says that it delivers to nobody.
    NeverExported {
        /// Who.
        process: At,
        /// Spans started.
        started: u64,
        /// Where its spans go, in its own words.
        exporter: String,
    },
    /// The receiver or the network refused the spans.
    ExportRefused {
        /// Who.
        process: At,
        /// Spans given up.
        failed: u64,
        /// The exporter's words.
        error: String,
    },
    /// The process counts the spans as acknowledged, and the store does not have them.
    LostAfterExport {
        /// Who.
        process: At,
        /// Spans acknowledged.
        exported: u64,
    },
    /// The process still holds spans.
    NotYetArrived {
        /// Who.
        process: At,
        /// How many.
        pending: u64,
    },
    /// The request was served by the right service at the wrong site.
    WrongSite {
        /// Which service.
        service: ServiceName,
        /// Where it should have been served.
        expected: Site,
        /// Where it was served.
        found: Site,
    },
    /// The right service at the right site, with another version.
    WrongVersion {
        /// Who.
        process: At,
        /// The version that was asked for.
        expected: String,
        /// The version found.
        found: String,
    },
    /// The caller's request to the next hop was answered by nobody: connection refused, reset, or a gateway error.
    Unreachable {
        /// Who called.
        from: At,
        /// Who should have answered.
        to: ServiceName,
        /// The caller's words: status code or error.
        error: String,
    },
    /// The callee answered, left no span anywhere, and gives no account of its exports: it died since, or nobody could ask it.
    Silent {
        /// Who.
        process: At,
    },
    /// Everything of the caller is there, and no span of it is a call that could have reached the callee.
    NotCalled {
        /// Who should have called.
        from: At,
        /// Who should have been called.
        to: ServiceName,
    },
    /// The same request was handled more than once.
    HandledTwice {
        /// By whom.
        process: At,
        /// How often.
        times: usize,
    },
    /// A debugger had a breakpoint on the way of the request, and the request was answered without a stop.
    NeverStopped {
        /// Where it should have stopped, file and line.
        at: String,
    },
    /// A debugger ended while it held a process.
    DebuggerGone {
        /// Where the process stood, or should have, file and line.
        at: String,
        /// What became of the debugger.
        error: String,
    },
}

impl Verdict {
    /// Whether every expectation holds.
    #[must_use]
    pub const fn is_pass(&self) -> bool {
        matches!(self, Self::Pass { .. })
    }

    /// `pass`, `fail` or `inconclusive`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pass { .. } => "pass",
            Self::Fail { .. } => "fail",
            Self::Inconclusive { .. } => "inconclusive",
        }
    }

    /// What does not hold; empty unless this is [`Verdict::Fail`].
    #[must_use]
    pub fn mismatches(&self) -> &[Mismatch] {
        match self {
            Self::Fail { mismatches } => mismatches,
            Self::Pass { .. } | Self::Inconclusive { .. } => &[],
        }
    }

    /// The cause that lies furthest upstream: what to look at first. Mismatches are in this order.
    #[must_use]
    pub fn primary_cause(&self) -> Option<&Cause> {
        self.mismatches()
            .iter()
            .find_map(|mismatch| mismatch.cause.as_ref())
    }

    /// The mismatches by cause, the primary one first and those without a cause last, so that no cause has to be told twice.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let mut findings: Vec<Finding<'_>> = Vec::new();
        for mismatch in self.mismatches() {
            let cause = mismatch.cause.as_ref();
            match findings.iter_mut().find(|finding| finding.cause == cause) {
                Some(finding) => finding.mismatches.push(mismatch),
                None => findings.push(Finding {
                    cause,
                    mismatches: vec![mismatch],
                }),
            }
        }
        findings.sort_by_key(|finding| finding.cause.is_none());
        findings
    }
}

/// One cause and everything that follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'v> {
    /// Why; `None` when the evidence does not show it.
    pub cause: Option<&'v Cause>,
    /// What does not hold; never empty.
    pub mismatches: Vec<&'v Mismatch>,
}
