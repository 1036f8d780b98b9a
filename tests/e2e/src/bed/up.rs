//! Bringing an environment up: the same way for scenarios, the demo and an intercept of one's own.

use std::time::Duration;

use jaeger_api::JaegerClient;
use testbed::{Arrangement, BoxError, Environment, Run};

use super::Bed;
use crate::caller::Caller;
use crate::gather;
use crate::places::Binaries;
use crate::proof::Prover;

/// How long an environment may take to come up, over all its steps.
const UP_LIMIT: Duration = Duration::from_secs(600);

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// Ctrl-C, or the time was up.
    #[error("interrupted")]
    Interrupted,
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
        let limit = run.deadline(UP_LIMIT);
        let endpoints = match limit.bound(environment.up(run)).await {
            Ok(Ok(endpoints)) => endpoints,
            Ok(Err(error)) if run.interrupted().is_cancelled() => {
                drop(error);
                return Err(UpError::Interrupted);
            }
            Ok(Err(error)) => {
                // Also of what came up only in part.
                super::collect(run, environment.as_ref()).await;
                return Err(UpError::Environment(error));
            }
            Err(_) => return Err(UpError::Interrupted),
        };
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
            arrangement: Arrangement::Deployed,
            endpoints,
            jaeger,
        })
    }
}
