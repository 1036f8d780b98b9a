//! Bringing an environment up: the same way for scenarios, the demo and an intercept of one's own.

use std::time::Duration;

use jaeger_api::JaegerClient;
use testbed::deadline::Over;
use testbed::text::Took;
use testbed::{Arrangement, BoxError, Endpoints, Environment, Run};

use super::Bed;
use crate::caller::Caller;
use crate::gather;
use crate::places::Binaries;
use crate::proof::Prover;

/// How long an environment may take to come up, over all its steps. A net below the limits of those, which say more: only what
/// hangs between two steps falls into it.
const UP_LIMIT: Duration = Duration::from_secs(6000);

#[cfg(feature = "kind")]
const _: () = assert!(UP_LIMIT.as_secs() > cluster::bring_up::LONGEST.as_secs());

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// No step failed, and yet it was not up in time.
    #[error("it was not up after {}", Took(*limit))]
    TookTooLong {
        /// What it was given.
        limit: Duration,
    },
    /// It did not come up.
    #[error("{0}")]
    Environment(BoxError),
    /// The client of the harness can't be made.
    #[error("the HTTP client can't be made: {0}")]
    Http(#[from] reqwest::Error),
    /// What answers is not Jaeger.
    #[error(transparent)]
    Jaeger(#[from] jaeger_api::JaegerError),
}

impl UpError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Environment(error) => error.hint(),
            Self::Jaeger(error) => error.hint(),
            Self::TookTooLong { .. } => Some("the last step that began says what it was at".to_owned()),
            Self::Interrupted | Self::Http(_) => None,
        }
    }
}

impl Bed {
    /// Brings an environment up. `settle_limit` replaces the environment's own limit for late spans.
    ///
    /// # Errors
    /// It does not come up; whatever was made by then is on the run's undo stack.
    pub async fn up(
        run: &Run,
        mut environment: Box<dyn Environment>,
        binaries: &Binaries,
        settle_limit: Option<Duration>,
    ) -> Result<Self, UpError> {
        let endpoints = bring_up(run, environment.as_mut(), UP_LIMIT).await?;
        let jaeger = JaegerClient::new(&endpoints.jaeger)?;
        jaeger.probe().await?;
        let mut limits = gather::limits(environment.as_ref());
        if let Some(deadline) = settle_limit {
            limits.deadline = deadline;
        }
        Ok(Self {
            limits,
            run: run.clone(),
            caller: Caller::new(&endpoints.storefront)?,
            prover: Prover::new(&endpoints.storefront, environment.name())?,
            http: reqwest::Client::builder().no_proxy().build()?,
            binaries: binaries.clone(),
            environment,
            connected: true,
            arrangement: Some(Arrangement::Deployed),
            intercepted: None,
            debuggers: super::Debuggers::default(),
            endpoints,
            jaeger,
        })
    }
}

/// Brings it up within a limit, and keeps evidence of one that does not come up: also of what came up only in part.
async fn bring_up(
    run: &Run,
    environment: &mut dyn Environment,
    limit: Duration,
) -> Result<Endpoints, UpError> {
    let deadline = run.deadline(limit);
    let error = match deadline.bound(environment.up(run)).await {
        Ok(Ok(endpoints)) => return Ok(endpoints),
        Err(Over::Cancelled) => return Err(UpError::Interrupted),
        Ok(Err(_)) if run.interrupted().is_cancelled() => return Err(UpError::Interrupted),
        Ok(Err(error)) => UpError::Environment(error),
        Err(Over::Elapsed) => UpError::TookTooLong { limit },
    };
    super::collect(run, environment).await;
    Err(error)
}

#[cfg(test)]
mod tests;
