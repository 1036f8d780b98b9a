//! Verdicts, mismatches and causes as sentences.

use std::fmt;

use super::{Cause, Finding, Mismatch, Verdict};
use crate::expect::At;
use crate::words;

/// One line of a verdict in words: what kind of line it is, and the line.
pub type Line = (&'static str, String);

impl Verdict {
    /// The verdict in words, without the word itself. Each cause is told once: the first mismatch that follows from it as
    /// `expected`, `found` and `cause`, the others as `also`. A pass has `shown` lines, an inconclusive one `missing`.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        match self {
            Self::Pass { shown } => shown.iter().map(|line| ("shown", line.clone())).collect(),
            Self::Fail { .. } => self.findings().iter().flat_map(Finding::lines).collect(),
            Self::Inconclusive { waited, last } => {
                vec![("missing", format!("{last} (waited {})", words::duration(*waited)))]
            }
        }
    }
}

impl Finding<'_> {
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let (Some(first), rest) = (self.mismatches.first(), self.mismatches.iter().skip(1)) else {
            return lines;
        };
        lines.push(("expected", first.expected.clone()));
        lines.push(("found", first.found.clone()));
        let Some(cause) = self.cause else {
            // Nothing holds them together: each stands for itself.
            for mismatch in rest {
                lines.push(("expected", mismatch.expected.clone()));
                lines.push(("found", mismatch.found.clone()));
            }
            return lines;
        };
        lines.push(("cause", cause.to_string()));
        let also = rest.map(|mismatch| format!("expected {}, found {}", mismatch.expected, mismatch.found));
        lines.extend(also.map(|line| ("also", line)));
        lines
    }
}

impl fmt::Display for Verdict {
    /// The word, and below it [`Verdict::lines`]; no line end after the last one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        self.lines()
            .iter()
            .try_for_each(|(label, line)| write!(f, "\n  {label:<9} {line}"))
    }
}

impl fmt::Display for Mismatch {
    /// Two or three lines without a line end: expected, found, cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected  {}\nfound     {}", self.expected, self.found)?;
        self.cause
            .as_ref()
            .map_or(Ok(()), |cause| write!(f, "\ncause     {cause}"))
    }
}

impl Cause {
    /// The sentence without what belongs to a single request, so that the same cause of many requests can be told once.
    #[must_use]
    pub fn in_general(&self) -> String {
        match self {
            Self::HeaderLost { from, to, .. } => lost_between(from, to),
            Self::OtherPropagator {
                from,
                to,
                process,
                speaks,
                others,
                ..
            } => format!("{}: {}", lost_between(from, to), tongues(process, speaks, others)),
            Self::ContextLost { process, span, .. } => lost_inside(process, span),
            other => other.to_string(),
        }
    }
}

fn lost_between(from: &At, to: &At) -> String {
    let (from, to) = sides(from, to);
    format!("the traceparent header was lost between {from} and {to}")
}

fn tongues(process: &At, speaks: &str, others: &str) -> String {
    format!("{process} speaks {speaks}, its neighbour {others}")
}

fn lost_inside(process: &At, span: &str) -> String {
    let service = &process.service;
    format!("context lost inside {service}: `{span}` began a trace of its own")
}

/// Two places by their services, and by their sites when the services don't tell them apart.
fn sides(from: &At, to: &At) -> (String, String) {
    if from.service == to.service {
        (from.to_string(), to.to_string())
    } else {
        (from.service.to_string(), to.service.to_string())
    }
}

impl fmt::Display for Cause {
    /// One sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = |count: &u64| words::amount(usize::try_from(*count).unwrap_or(usize::MAX), "span");
        match self {
            Self::HeaderLost {
                from,
                to,
                stray: _,
                request,
            } => write!(f, "{} (request {request})", lost_between(from, to)),
            Self::OtherPropagator {
                from,
                to,
                stray: _,
                request,
                process,
                speaks,
                others,
            } => {
                let (lost, why) = (lost_between(from, to), tongues(process, speaks, others));
                write!(f, "{lost} (request {request}): {why}")
            }
            Self::ContextLost {
                process,
                span,
                stray: _,
                request,
            } => write!(f, "{} (request {request})", lost_inside(process, span)),
            Self::SampledOut {
                process,
                spans: dropped,
                sampler,
            } => {
                let dropped = spans(dropped);
                write!(
                    f,
                    "sampled out: {process} dropped {dropped} before they began (its sampler: {sampler})"
                )
            }
            Self::NeverExported {
                process,
                started: 0,
                exporter,
            } => {
                write!(
                    f,
                    "{process} runs and never started a span (its exporter: {exporter})"
                )
            }
            Self::NeverExported {
                process,
                started,
                exporter,
            } => {
                write!(
                    f,
                    "{process} started {} and delivered none (its exporter: {exporter})",
                    spans(started)
                )
            }
            Self::ExportRefused {
                process,
                failed,
                error,
            } => {
                write!(
                    f,
                    "the export from {process} was refused: {} given up, {error}",
                    spans(failed)
                )
            }
            Self::LostAfterExport { process, exported } => {
                let spans = spans(exported);
                write!(
                    f,
                    "lost after export: {process} had {spans} acknowledged, and the store lacks those of this request"
                )
            }
            Self::NotYetArrived { process, pending } => {
                write!(f, "not yet arrived: {process} still holds {}", spans(pending))
            }
            Self::WrongSite {
                service,
                expected,
                found,
            } => {
                write!(f, "{service} was served by the {found}, not by the {expected}")
            }
            Self::WrongVersion {
                process,
                expected,
                found,
            } => {
                write!(f, "{process} ran version {found}, not {expected}")
            }
            Self::Unreachable { from, to, error } => write!(f, "{from} could not reach {to}: {error}"),
            Self::Silent { process } => {
                write!(
                    f,
                    "{process} answered, left no span, and gives no account of its exports"
                )
            }
            Self::NotCalled { from, to } => write!(f, "{from} made no call that could have reached {to}"),
            Self::NeverStopped { at } => {
                write!(
                    f,
                    "the breakpoint at {at} was never hit: the request was answered without a stop"
                )
            }
            Self::DebuggerGone { at, error } => {
                write!(f, "the debugger ended while it held the process at {at}: {error}")
            }
            Self::HandledTwice { process, times } => {
                write!(f, "{process} handled the request {times} times")?;
                process
                    .site
                    .map_or_else(|| f.write_str(", at both sites"), |_| Ok(()))
            }
        }
    }
}
