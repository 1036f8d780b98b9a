//! Giving the traffic of order-service to the workstation and back, each believed only when the data plane shows it.

use std::time::Duration;

use testbed::environment::{InterceptSpec, Selection};
use testbed::{Run, StepError, Whoami};
use trace::names;

use crate::bed::Bed;
use crate::proof::{Answerer, Proof, Prover};
use crate::scenario::topology::ORDER;

/// How long the data plane may take to follow a switch. Telepresence's first intercept restarts the pod.
pub(crate) const PROOF_LIMIT: Duration = Duration::from_secs(30);
/// How long an environment may take to claim that a switch was made.
pub(crate) const SWITCH_LIMIT: Duration = Duration::from_secs(30);

/// The header's value, when only some requests are taken.
#[must_use]
pub fn header(selection: &Selection) -> Option<&str> {
    match selection {
        Selection::All => None,
        Selection::Header { value, .. } => Some(value),
    }
}

/// A header that no service passes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the services pass no header on but `{}`, so an intercept by `{name}` would never see a request",
    names::DEBUG_HEADER
)]
pub struct UnseenHeader {
    /// Its name.
    pub name: String,
}

/// Reads which requests are meant: `x-debug=me`, `x-debug: me`, or the value alone.
///
/// # Errors
/// Another header, or no value.
pub fn by_header(text: &str) -> Result<Selection, UnseenHeader> {
    let (name, value) = text.split_once(['=', ':']).unwrap_or((names::DEBUG_HEADER, text));
    let (name, value) = (name.trim(), value.trim());
    if !name.eq_ignore_ascii_case(names::DEBUG_HEADER) || value.is_empty() {
        return Err(UnseenHeader {
            name: name.to_owned(),
        });
    }
    Ok(Selection::Header {
        name: names::DEBUG_HEADER.to_owned(),
        value: value.to_owned(),
    })
}

/// Has the environment send the selected requests to the workstation. That is only its claim.
///
/// # Errors
/// It refuses, or takes too long.
pub async fn intercept(bed: &mut Bed, spec: &InterceptSpec) -> Result<(), StepError> {
    let run = bed.run.clone();
    run.step("intercept", SWITCH_LIMIT, bed.environment.intercept(&run, spec))
        .await
}

/// Proves that the selected requests are answered by these processes, and all others by the cluster.
///
/// # Errors
/// The data plane does not show it in time; the error says who answered last.
pub async fn prove_intercept(bed: &Bed, selection: &Selection, by: &Answerer) -> Result<(), StepError> {
    let header = header(selection);
    prove(&bed.prover, &bed.run, by, header).await?;
    if header.is_some() {
        prove(&bed.prover, &bed.run, &Answerer::Cluster, None).await?;
    }
    Ok(())
}

/// Gives the traffic back, and proves that a process inside the cluster answers again. `run` decides what may cut it short.
///
/// # Errors
/// The environment refuses, or the data plane does not show it in time.
pub async fn give_back(bed: &mut Bed, run: &Run) -> Result<(), StepError> {
    run.step("leave", SWITCH_LIMIT, bed.environment.leave(run, ORDER))
        .await?;
    prove(&bed.prover, run, &Answerer::Cluster, None).await.map(drop)
}

/// Proves with nonces that requests, or those with the header, are answered by these processes; the second value is one of them.
///
/// # Errors
/// The data plane does not show it in time; the error says who answered last.
pub(crate) async fn prove(
    prover: &Prover,
    run: &Run,
    by: &Answerer,
    header: Option<&str>,
) -> Result<(Proof, Whoami), StepError> {
    // The step's limit is the one that counts; it reports who answered last.
    let deadline = run.deadline(PROOF_LIMIT + Duration::from_secs(1));
    let name = match header {
        Some(_) => format!("proof: {by} answers requests with the header"),
        None => format!("proof: {by} answers"),
    };
    run.step(&name, PROOF_LIMIT, prover.prove(&deadline, by, header))
        .await
}
