//! One followed request: what its trace shows, and whether it is one whole trace.

use std::time::Duration;

use jaeger_api::JaegerClient;
use testbed::RequestSeen;
use trace::render::{Picture, TextOptions, path, text};
use trace::{
    Answer, Cause, Evidence, Expectation, ExportAccount, RequestId, Site, Span, SpanKind, Trace, UnixNanos,
    Verdict, judge, names,
};

use crate::random;
use crate::scenario::topology::{self, ORDER, STOREFRONT};

/// A request whose trace is quiet.
#[derive(Debug, Clone)]
pub struct Followed {
    trace: Trace,
    strays: Vec<Trace>,
    request: Option<RequestId>,
    accounts: Vec<ExportAccount>,
    again: bool,
}

impl Followed {
    pub(super) fn new(trace: Trace, strays: Vec<Trace>, request: Option<RequestId>, again: bool) -> Self {
        Self {
            trace,
            strays,
            request,
            accounts: Vec::new(),
            again,
        }
    }

    /// With what the processes say of their spans, which may explain what is wrong.
    pub(super) fn with_accounts(mut self, accounts: Vec<ExportAccount>) -> Self {
        self.accounts = accounts;
        self
    }

    /// Whether it is one whole trace.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.problems().is_empty()
    }

    /// Its trace.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// When its first span began.
    #[must_use]
    pub fn began(&self) -> UnixNanos {
        self.trace.spans().first().map_or(UnixNanos(0), |span| span.start)
    }

    /// Its trace as a tree, with what is found under other trace ids.
    #[must_use]
    pub fn tree(&self) -> String {
        text(self.picture(), &TextOptions::default())
    }

    /// The facts, for whoever follows.
    #[must_use]
    pub fn seen(&self, jaeger: &JaegerClient) -> RequestSeen {
        let end = self.trace.spans().iter().map(|span| span.end.0).max();
        RequestSeen {
            trace_id: self.trace.id(),
            request_id: self.request.clone(),
            status: self.status(),
            path: path(self.picture()),
            answered_by: self.answered_by(),
            took: Duration::from_nanos(end.unwrap_or_default().saturating_sub(self.began().0)),
            problems: self.problems(),
            again: self.again,
            url: jaeger.trace_url(self.trace.id()),
        }
    }

    fn picture(&self) -> Picture<'_> {
        Picture {
            trace: Some(&self.trace),
            caller: self.trace.likely_caller(),
            strays: &self.strays,
        }
    }

    /// The server spans of a service, in all traces of the request.
    fn handled<'s>(&'s self, service: &'s str) -> impl Iterator<Item = &'s Span> {
        let traces = std::iter::once(&self.trace).chain(&self.strays);
        traces
            .flat_map(Trace::spans)
            .filter(move |span| span.kind == SpanKind::Server && span.service().as_str() == service)
    }

    /// What the storefront answered.
    fn status(&self) -> Option<u16> {
        let span = self.handled(STOREFRONT).next()?;
        span.attributes.get(names::HTTP_STATUS)?.to_string().parse().ok()
    }

    /// The processes that handled it for order-service.
    fn answered_by(&self) -> Option<String> {
        let mut processes: Vec<String> = self
            .handled(ORDER)
            .map(|span| {
                let pid = span.resource.attributes.get(names::PROCESS_PID);
                let pid = pid.map_or_else(|| "?".to_owned(), ToString::to_string);
                match span.site() {
                    Some(Site::Workstation) => {
                        let version = span.resource.version().unwrap_or_default();
                        format!("pid {pid} ({version})")
                    }
                    _ => format!("pid {pid}"),
                }
            })
            .collect();
        processes.dedup();
        (!processes.is_empty()).then(|| processes.join(", "))
    }

    /// What keeps it from being one whole trace. An order that was not accepted may end anywhere on the way.
    fn problems(&self) -> Vec<String> {
        let status = self.status();
        let expected = match status {
            Some(201) => topology::whole(),
            _ => vec![Expectation::Connected, Expectation::NoStray],
        };
        let evidence = Evidence {
            trace_id: self.trace.id(),
            caller_span: self.trace.likely_caller().unwrap_or_else(random::span_id),
            request_id: self.request.clone().unwrap_or_else(random::request_id),
            answer: Answer::Response {
                status: status.unwrap_or_default(),
                body: String::new(),
            },
            trace: Some(self.trace.clone()),
            strays: self.strays.clone(),
            accounts: self.accounts.clone(),
        };
        let verdict = judge(&evidence, &expected);
        match &verdict {
            Verdict::Pass { .. } | Verdict::Inconclusive { .. } => Vec::new(),
            Verdict::Fail { .. } => verdict.findings().iter().map(words).collect(),
        }
    }
}

/// The cause, or what differs when the evidence shows none. That a process could not be asked is none: it may be on its way out.
fn words(finding: &trace::Finding<'_>) -> String {
    let cause = finding
        .cause
        .filter(|cause| !matches!(cause, Cause::Silent { .. }));
    match (cause, finding.mismatches.first()) {
        (Some(cause), _) => cause.to_string(),
        (None, Some(mismatch)) => format!("expected {}, found {}", mismatch.expected, mismatch.found),
        (None, None) => "no whole trace".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use trace::testing::Recording;

    use super::*;

    fn followed(evidence: Evidence) -> RequestSeen {
        let jaeger = JaegerClient::new("http://127.0.0.1:16686").unwrap();
        let trace = evidence.trace.unwrap();
        let request = trace.spans().iter().find_map(Span::request_id);
        Followed::new(trace, evidence.strays, request, false)
            .with_accounts(evidence.accounts)
            .seen(&jaeger)
    }

    #[test]
    fn a_whole_request_has_no_problem_and_says_who_answered() {
        let mut recording = Recording::checkout();
        let checkout = recording.id_of(SpanKind::Server, "POST /checkout");
        recording.attribute(checkout, names::HTTP_STATUS, 201);
        let seen = followed(recording.evidence());
        assert_eq!(
            seen.path,
            "storefront@cluster → order-service@workstation → inventory-service@cluster"
        );
        assert_eq!(
            (seen.status, seen.problems.as_slice()),
            (Some(201), [].as_slice())
        );
        assert!(seen.answered_by.unwrap().ends_with("(local-debug)"));
        assert!(seen.url.ends_with(&format!("/trace/{}", seen.trace_id)));
    }

    #[test]
    fn a_lost_header_is_named_with_the_two_services() {
        let mut recording = Recording::checkout();
        recording.lose_header(recording.id_of(SpanKind::Server, "GET /api/check"), 0);
        let seen = followed(recording.evidence());
        assert_eq!(
            seen.problems,
            ["the traceparent header was lost between order-service and inventory-service (request r-81)"]
        );
        assert!(seen.path.contains("under trace"), "{}", seen.path);
    }

    #[test]
    fn the_silence_of_a_service_that_was_not_asked_is_no_cause() {
        let mut recording = Recording::checkout();
        let checkout = recording.id_of(SpanKind::Server, "POST /checkout");
        recording.attribute(checkout, names::HTTP_STATUS, 201);
        recording.drop_spans(|span| span.service().as_str() == "inventory-service");
        let problems = followed(recording.evidence()).problems;
        assert!(!problems.is_empty());
        for problem in problems {
            assert!(problem.starts_with("expected "), "{problem}");
        }
    }
}
