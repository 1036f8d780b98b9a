//! Collects the evidence about orders until it settles, then has it judged.

use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jaeger_api::JaegerError;
use testbed::wait::{self, Probe, WaitError};
use testbed::{BoxError, EnvironmentName, Explain};
use tokio::sync::Mutex;
use trace::settle::{Decision, Limits, Progress, conclude, settle};
use trace::{Evidence, Expectation, ExportAccount, ServiceName, UnixNanos};

use crate::bed::Bed;
use crate::caller::Placed;
use crate::proof::whoami;
use crate::scenario::topology::{INVENTORY, ORDER, STOREFRONT};
use crate::stage::{Gathered, StageError};

/// Traces fetched at the same time. More does not help on the two cores of a small CI machine.
const AT_ONCE: usize = 8;
/// Strays are looked for in this window around now: wider than any run, and than any clock that is merely wrong.
const WINDOW: Duration = Duration::from_secs(3_600);

/// How long evidence may take to settle in an environment.
#[must_use]
pub fn limits(environment: EnvironmentName) -> Limits {
    match environment {
        // An acknowledgement of our own receiver means that the span can be read.
        EnvironmentName::Embedded => Limits {
            quiet: Duration::from_millis(150),
            ..Limits::default()
        },
        EnvironmentName::Containers | EnvironmentName::Kind | EnvironmentName::Context => Limits {
            deadline: Duration::from_secs(30),
            quiet: Duration::from_millis(500),
            visible_within: Duration::from_millis(200),
        },
    }
}

/// Waits until the evidence about every order has settled, and judges each by the same expectations. What the processes say
/// of their spans is asked once per look, before the traces: a span that is counted as delivered must then be there.
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
    let looks = Mutex::new(
        placed
            .into_iter()
            .map(|placed| Look {
                placed,
                progress: None,
            })
            .collect::<Vec<_>>(),
    );
    let began = Instant::now();
    // Settling has its own deadline, which ends in a verdict; the wait's is only a net under it.
    let net = bed.run.deadline(limits.deadline + Duration::from_secs(30));
    let waited = wait::until(&net, "spans to arrive", || async {
        let mut looks = looks.lock().await;
        match look(bed, workstation, &mut looks, began).await {
            Ok(()) => {}
            Err(error) => return Probe::Broken(Unreadable(error)),
        }
        let mut waiting = looks
            .iter()
            .filter_map(|one| match one.decide(expected, &limits) {
                Decision::Wait { because } => Some(because),
                Decision::Settled { .. } | Decision::GaveUp { .. } => None,
            });
        match waiting.next_back() {
            Some(because) => Probe::NotYet(because),
            None => Probe::Ready(()),
        }
    })
    .await;
    waited?;
    let looks = looks.into_inner();
    Ok(looks
        .into_iter()
        .filter_map(|look| look.conclude(expected, &limits))
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
}

impl Look {
    fn decide(&self, expected: &[Expectation], limits: &Limits) -> Decision {
        match &self.progress {
            Some(progress) => settle(progress, expected, limits),
            None => Decision::Wait {
                because: "no look yet".to_owned(),
            },
        }
    }

    fn conclude(self, expected: &[Expectation], limits: &Limits) -> Option<Gathered> {
        let decision = self.decide(expected, limits);
        let progress = self.progress?;
        let verdict = conclude(&progress, expected, &decision);
        let waited = progress.elapsed();
        Some(Gathered {
            verdict,
            waited,
            evidence: progress.into_evidence(),
        })
    }
}

/// One look at everything: accounts first, then every trace.
async fn look(
    bed: &Bed,
    workstation: Option<&str>,
    looks: &mut [Look],
    began: Instant,
) -> Result<(), JaegerError> {
    let accounts = accounts(bed, workstation).await;
    let window = window();
    stream::iter(looks.iter_mut().map(|look| {
        let (accounts, window) = (accounts.clone(), window.clone());
        async move {
            let evidence = evidence(bed, &look.placed, accounts, window).await?;
            let elapsed = began.elapsed();
            match &mut look.progress {
                Some(progress) => progress.observe(elapsed, evidence),
                None => look.progress = Some(Progress::begin(elapsed, evidence)),
            }
            Ok(())
        }
    }))
    .buffer_unordered(AT_ONCE)
    .try_collect()
    .await
}

async fn evidence(
    bed: &Bed,
    placed: &Placed,
    accounts: Vec<ExportAccount>,
    window: Range<UnixNanos>,
) -> Result<Evidence, JaegerError> {
    let services = [STOREFRONT, ORDER, INVENTORY].map(ServiceName::from);
    let (trace, found) = tokio::try_join!(
        bed.jaeger.trace(placed.trace_id()),
        bed.jaeger
            .traces_by_request(placed.request_id(), &services, window)
    )?;
    let strays = found
        .into_iter()
        .filter(|stray| stray.id() != placed.trace_id())
        .collect();
    Ok(Evidence {
        trace_id: placed.trace_id(),
        caller_span: placed.caller_span(),
        request_id: placed.request_id().clone(),
        answer: placed.answer().clone(),
        trace,
        strays,
        accounts,
    })
}

/// What every process that can be asked says of its spans.
async fn accounts(bed: &Bed, workstation: Option<&str>) -> Vec<ExportAccount> {
    let on_the_workstation = async {
        let me = whoami(&bed.http, workstation?).await.ok()?;
        me.account()
    };
    let (mut accounts, own) = tokio::join!(bed.environment.accounts(), on_the_workstation);
    accounts.extend(own);
    accounts
}

/// The time around now in which to search.
#[must_use]
pub fn window() -> Range<UnixNanos> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let nanos = |time: Duration| UnixNanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    nanos(now.saturating_sub(WINDOW))..nanos(now.saturating_add(WINDOW))
}
