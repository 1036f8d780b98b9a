//! Collects the evidence about orders until it settles, then has it judged.

mod strays;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jaeger_api::JaegerError;
use testbed::wait::{self, Probe, WaitError};
use testbed::{BoxError, Environment, EnvironmentName, Explain, Tell};
use tokio::sync::Mutex;
use trace::settle::{Decision, Limits, Progress, conclude, debts, settle};
use trace::{Evidence, Expectation, ExportAccount, Trace, TraceId};

use crate::accounts;
use crate::bed::Bed;
use crate::caller::Placed;
use crate::stage::{Gathered, StageError};
use strays::Strays;

pub use strays::window;

/// Requests to Jaeger at the same time. More does not help on the two cores of a small CI machine.
const AT_ONCE: usize = 8;

/// How long evidence may take to settle in an environment.
#[must_use]
pub fn limits(environment: &dyn Environment) -> Limits {
    let visible_within = environment.visible_within();
    match environment.name() {
        EnvironmentName::Embedded => Limits {
            quiet: Duration::from_millis(150),
            visible_within,
            ..Limits::default()
        },
        EnvironmentName::Containers | EnvironmentName::Kind | EnvironmentName::Context => Limits {
            deadline: Duration::from_secs(30),
            quiet: Duration::from_millis(500),
            visible_within,
        },
    }
}

/// Waits until the evidence about every order has settled, and judges each by the same expectations. What the processes say
/// of their spans is asked once per look, before the traces: a span that is counted as delivered must then be there. They answer
/// once they have delivered, so that there are few looks.
///
/// # Errors
/// Jaeger can't be asked, or the run was interrupted.
pub async fn gather(
    bed: &Bed,
    workstation: Option<&str>,
    placed: Vec<Placed>,
    expected: &[Expectation],
) -> Result<Vec<Gathered>, StageError> {
    let limits = bed.limits;
    let looks = placed.into_iter().map(|placed| Look {
        placed,
        progress: None,
        decision: None,
    });
    let looks = Mutex::new(looks.collect::<Vec<_>>());
    let (accountant, began) = (bed.environment.accountant(), Instant::now());
    // Settling has its own deadline, which ends in a verdict; the wait's is only a net under it.
    let net = bed.run.deadline(limits.deadline + Duration::from_secs(30));
    let waited = wait::until(&net, "spans to arrive", || async {
        let mut looks = looks.lock().await;
        let mut open: Vec<&mut Look> = looks.iter_mut().filter(|look| look.waits()).collect();
        let accounts = accounts::ask(&accountant, &bed.http, workstation, Tell::OnceDelivered).await;
        if let Some(because) = debts(&accounts).filter(|_| began.elapsed() < limits.deadline) {
            // The traces can wait: whatever they show, nothing is decided before everybody has delivered.
            return Probe::NotYet(because);
        }
        if let Err(error) = look(bed, accounts, &mut open, began).await {
            return Probe::Broken(Unreadable(error));
        }
        let mut because = None;
        for look in open {
            let decision = look.decide(expected, &limits);
            if let Decision::Wait { because: reason } = &decision {
                because = Some(reason.clone());
            }
            look.decision = Some(decision);
        }
        match because {
            Some(because) => Probe::NotYet(because),
            None => Probe::Ready(()),
        }
    })
    .await;
    waited?;
    let looks = looks.into_inner();
    Ok(looks
        .into_iter()
        .filter_map(|look| look.conclude(expected))
        .collect())
}

impl From<WaitError> for StageError {
    fn from(error: WaitError) -> Self {
        Self::Environment(BoxError::from(error))
    }
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Unreadable(JaegerError);

impl Explain for Unreadable {
    fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

struct Look {
    placed: Placed,
    progress: Option<Progress>,
    decision: Option<Decision>,
}

impl Look {
    const fn waits(&self) -> bool {
        matches!(self.decision, None | Some(Decision::Wait { .. }))
    }

    fn decide(&self, expected: &[Expectation], limits: &Limits) -> Decision {
        match &self.progress {
            Some(progress) => settle(progress, expected, limits),
            None => Decision::Wait {
                because: "no look yet".to_owned(),
            },
        }
    }

    fn conclude(self, expected: &[Expectation]) -> Option<Gathered> {
        let (progress, decision) = (self.progress?, self.decision?);
        let verdict = conclude(&progress, expected, &decision);
        let waited = progress.elapsed();
        Some(Gathered {
            verdict,
            waited,
            evidence: progress.into_evidence(),
        })
    }
}

/// One look at every trace that is still waited for. The accounts were read before.
async fn look(
    bed: &Bed,
    accounts: Vec<ExportAccount>,
    looks: &mut [&mut Look],
    began: Instant,
) -> Result<(), JaegerError> {
    let (traces, strays) = tokio::try_join!(traces(bed, looks), Strays::find(bed, looks))?;
    for look in looks {
        let placed = &look.placed;
        let evidence = Evidence {
            trace_id: placed.trace_id(),
            caller_span: placed.caller_span(),
            request_id: placed.request_id().clone(),
            answer: placed.answer().clone(),
            trace: traces.get(&placed.trace_id()).cloned(),
            strays: strays.of(placed),
            accounts: accounts.clone(),
        };
        let elapsed = began.elapsed();
        match &mut look.progress {
            Some(progress) => progress.observe(elapsed, evidence),
            None => look.progress = Some(Progress::begin(elapsed, evidence)),
        }
    }
    Ok(())
}

/// Every trace that is there already, fetched once whoever asks for it.
async fn traces(bed: &Bed, looks: &[&mut Look]) -> Result<BTreeMap<TraceId, Trace>, JaegerError> {
    let wanted: BTreeSet<TraceId> = looks.iter().map(|look| look.placed.trace_id()).collect();
    stream::iter(wanted)
        .map(|id| bed.jaeger.trace(id))
        .buffer_unordered(AT_ONCE)
        // Records of open spans are for who looks meanwhile; nothing is judged or counted by them.
        .try_filter_map(|found| async {
            Ok(found.and_then(Trace::finished).map(|trace| (trace.id(), trace)))
        })
        .try_collect()
        .await
}
