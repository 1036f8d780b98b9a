//! What a scenario expects, turned into judged cases.

use std::time::Duration;

use jaeger_api::SearchQuery;
use serde::Serialize;
use trace::{Cause, Evidence, Expectation, Mismatch, TraceId, Verdict};

use super::{Stage, StageError};
use crate::breakpoint::Standstill;
use crate::caller::Placed;
use crate::gather::{gather, window};
use crate::proof::{Answerer, whoami};
use crate::scenario::CauseKind;
use crate::scenario::topology::ORDER;

/// One thing that was judged.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// What it is, within its scenario.
    pub label: String,
    /// The outcome.
    pub verdict: Verdict,
    /// What it was judged on; `None` for facts that are not about one request.
    pub evidence: Option<Evidence>,
    /// From the answer to the judgement.
    pub waited: Duration,
    /// Where the request was held at a breakpoint, if it was.
    pub standstill: Option<Standstill>,
}

impl Stage<'_> {
    /// Waits for an order's trace to settle and judges it.
    ///
    /// # Errors
    /// When the store can't be asked. What does not hold is a verdict, not an error.
    pub async fn judge(
        &mut self,
        label: &str,
        placed: Placed,
        expected: Vec<Expectation>,
    ) -> Result<(), StageError> {
        let workstation = self.workstation.as_ref().map(|process| process.base_url());
        let mut gathered = gather(self.bed, workstation.as_deref(), vec![placed], &expected).await?;
        if let Some(one) = gathered.pop() {
            self.shown.cases.push(one.into_case(label.to_owned()));
        }
        Ok(())
    }

    /// Judges many orders by the same expectations; what the processes say of their spans is asked once for all.
    ///
    /// # Errors
    /// When the store can't be asked.
    pub async fn judge_all(
        &mut self,
        label: &str,
        placed: Vec<Placed>,
        expected: Vec<Expectation>,
    ) -> Result<(), StageError> {
        let workstation = self.workstation.as_ref().map(|process| process.base_url());
        let gathered = gather(self.bed, workstation.as_deref(), placed, &expected).await?;
        self.shown.cases.extend(
            gathered
                .into_iter()
                .enumerate()
                .map(|(index, one)| one.into_case(format!("{label} {}", index + 1))),
        );
        Ok(())
    }

    /// Judges an order by expectations that must *not* hold, and whose failure must name this cause: the verdict itself is
    /// what is tested.
    ///
    /// # Errors
    /// When the store can't be asked.
    pub async fn expect_failure_named(
        &mut self,
        label: &str,
        placed: Placed,
        expected: Vec<Expectation>,
        cause: CauseKind,
    ) -> Result<(), StageError> {
        let workstation = self.workstation.as_ref().map(|process| process.base_url());
        let gathered = gather(self.bed, workstation.as_deref(), vec![placed], &expected).await?;
        for one in gathered {
            let verdict = match &one.verdict {
                Verdict::Fail { mismatches } => match named(mismatches, cause) {
                    Some(found) => Verdict::Pass {
                        shown: vec![format!("judged Fail: {found}")],
                    },
                    None => fact_fails(
                        format!("a failure caused by {cause:?}"),
                        "a failure with another cause",
                        None,
                    ),
                },
                other => fact_fails(format!("a failure caused by {cause:?}"), &other.to_string(), None),
            };
            self.shown.cases.push(Case {
                label: label.to_owned(),
                verdict,
                evidence: None,
                waited: one.waited,
                standstill: None,
            });
        }
        Ok(())
    }

    /// How many spans the process on the workstation has started so far.
    ///
    /// # Errors
    /// When there is none, or it does not answer.
    pub async fn workstation_span_count(&self) -> Result<u64, StageError> {
        let process = self
            .workstation
            .as_ref()
            .ok_or(StageError::Order("an intercept"))?;
        let me = whoami(&self.bed.http, &process.base_url())
            .await
            .map_err(StageError::Workstation)?;
        Ok(me.telemetry.started)
    }

    /// The process on the workstation is still there and has started no span since `before`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn expect_no_further_workstation_spans(&mut self, before: u64) -> Result<(), StageError> {
        let now = self.workstation_span_count().await?;
        let expected = format!("{before} spans started by {ORDER}@workstation, as before leave");
        let verdict = if now == before {
            Verdict::Pass {
                shown: vec![expected],
            }
        } else {
            fact_fails(expected, &format!("{now} spans"), None)
        };
        self.fact("nothing further on the workstation", verdict);
        Ok(())
    }

    /// A search in Jaeger for spans of `service` with this tag finds the trace.
    ///
    /// # Errors
    /// When Jaeger can't be asked.
    pub async fn expect_search_finds(
        &mut self,
        service: &str,
        (key, value): (&str, &str),
        trace_id: TraceId,
    ) -> Result<(), StageError> {
        let query = SearchQuery::new(service.into(), window()).tag(key, value);
        let found = self.bed.jaeger.search(&query).await?;
        let ids: Vec<TraceId> = found.iter().map(trace::Trace::id).collect();
        let expected = format!("trace {trace_id} among the traces of {service} with {key}={value}");
        let verdict = if ids.contains(&trace_id) {
            Verdict::Pass {
                shown: vec![expected],
            }
        } else {
            fact_fails(expected, &format!("{} traces, not this one", ids.len()), None)
        };
        self.fact("search in Jaeger", verdict);
        Ok(())
    }

    /// The process on the workstation sees nothing any more of what is sent through the cluster: neither a request that makes a
    /// span, nor a probe. Without a process there is nothing to see it.
    pub(super) async fn expect_nothing_more_here(&mut self) -> Result<(), StageError> {
        let Some(process) = &self.workstation else {
            return Ok(());
        };
        let url = process.base_url();
        let before = whoami(&self.bed.http, &url)
            .await
            .map_err(StageError::Workstation)?;
        self.prove(Answerer::Cluster, None).await?;
        let after = whoami(&self.bed.http, &url)
            .await
            .map_err(StageError::Workstation)?;
        let expected = format!("{ORDER}@workstation sees nothing more after leave");
        let (probes, spans) = (
            after.probes - before.probes,
            after.telemetry.started - before.telemetry.started,
        );
        let verdict = if probes == 0 && spans == 0 {
            pass(expected)
        } else {
            fact_fails(expected, &format!("{probes} probes and {spans} spans"), None)
        };
        self.fact("the way back", verdict);
        Ok(())
    }

    pub(super) fn fact(&mut self, label: &str, verdict: Verdict) {
        self.shown.cases.push(Case {
            label: label.to_owned(),
            verdict,
            evidence: None,
            waited: Duration::ZERO,
            standstill: None,
        });
    }
}

fn named(mismatches: &[Mismatch], kind: CauseKind) -> Option<&Cause> {
    mismatches
        .iter()
        .filter_map(|mismatch| mismatch.cause.as_ref())
        .find(|cause| kind.is(cause))
}

pub(super) fn pass(fact: String) -> Verdict {
    Verdict::Pass { shown: vec![fact] }
}

pub(super) fn fact_fails(expected: String, found: &str, cause: Option<Cause>) -> Verdict {
    Verdict::Fail {
        mismatches: vec![Mismatch {
            expected,
            found: found.to_owned(),
            at: None,
            cause,
        }],
    }
}

/// The verdict of one order, with what it was judged on.
#[derive(Debug)]
pub struct Gathered {
    /// What was collected when the evidence settled.
    pub evidence: Evidence,
    /// The outcome.
    pub verdict: Verdict,
    /// From the first look to the judgement.
    pub waited: Duration,
}

impl Gathered {
    fn into_case(self, label: String) -> Case {
        Case {
            label,
            verdict: self.verdict,
            evidence: Some(self.evidence),
            waited: self.waited,
            standstill: None,
        }
    }
}
