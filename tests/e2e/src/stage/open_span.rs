//! The open span, looked at while its process stands at a breakpoint.

use jaeger_api::JaegerClient;
use testbed::Deadline;
use testbed::wait::{self, Probe};
use trace::{Evidence, Site, Span, Trace, TraceId, Verdict};

use super::expect::fact_fails;
use super::{Case, Stage};
use crate::breakpoint::Pause;
use crate::caller::Placed;
use crate::scenario::topology::ORDER;

/// The span that is open around the breakpoint.
const OPEN: &str = "process_order";

impl Stage<'_> {
    /// While the order was held, Jaeger showed the span around the breakpoint as open.
    pub fn expect_open_span(&mut self, placed: &Placed, pause: &Pause) {
        let expected = format!("{OPEN} of {ORDER}@workstation in Jaeger while it is open");
        let open: Vec<String> = pause.open.iter().flat_map(named).collect();
        let verdict = if open.is_empty() {
            fact_fails(expected, "no open span during the whole pause", None)
        } else {
            Verdict::Pass {
                shown: vec![format!("open while the order was held: {}", open.join(", "))],
            }
        };
        // The trace as it was then; the order's own case shows how it ended.
        let evidence = pause.open.clone().map(|trace| Evidence {
            trace_id: placed.trace_id(),
            caller_span: placed.caller_span(),
            request_id: placed.request_id().clone(),
            answer: placed.answer().clone(),
            trace: Some(trace),
            strays: Vec::new(),
            accounts: Vec::new(),
        });
        self.shown.cases.push(Case {
            label: "while the order was held".to_owned(),
            verdict,
            evidence,
            waited: pause.held,
            // A record of an open span has no length to draw it on.
            standstill: None,
        });
    }
}

/// Looks until the open span is there, or the pause is over.
pub(super) async fn look(jaeger: &JaegerClient, id: TraceId, pause: &Deadline) -> Option<Trace> {
    let what = "the open span in Jaeger";
    let look = || async {
        match jaeger.trace(id).await {
            Ok(Some(trace)) if trace.spans().iter().any(is_it) => Probe::<Trace>::Ready(trace),
            Ok(Some(trace)) => Probe::not_yet(format!("{} spans, not this one", trace.spans().len())),
            Ok(None) => Probe::not_yet("no span of the trace"),
            Err(error) => Probe::not_yet(testbed::explain::chain(&error)),
        }
    };
    // Its absence is judged, and is no error here.
    wait::until(pause, what, look).await.ok()
}

fn is_it(span: &Span) -> bool {
    let here = span.service().as_str() == ORDER && span.site() == Some(Site::Workstation);
    here && span.open_span().is_some_and(|(_, name)| name == OPEN)
}

fn named(trace: &Trace) -> impl Iterator<Item = String> {
    let open = trace.spans().iter().filter(|span| span.is_pending());
    open.map(|span| span.name.clone())
}
