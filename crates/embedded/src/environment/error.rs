//! Why the embedded environment did not come up, or could not do what it was asked for.

use testbed::{Class, Explain, StepError};

use crate::otlp::ReceiverError;
use crate::proxy::ProxyError;
use crate::query::QueryError;

/// Why the embedded environment did not come up, or could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A part did not start.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The receiver did not start, or did not end well.
    #[error(transparent)]
    Receiver(#[from] ReceiverError),
    /// The query API did not start, or did not end well.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The client that asks the processes can't be made.
    #[error("the HTTP client can't be made")]
    Http(#[from] reqwest::Error),
    /// A workload that nobody calls through a Service.
    #[error("no workload {workload:?} that can be intercepted: there are {}", known.join(", "))]
    UnknownWorkload {
        /// The workload asked for.
        workload: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A Service refused its new route.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Asked for something that needs the environment.
    #[error("the embedded environment is not up")]
    NotUp,
    /// Brought up for a second time.
    #[error("the embedded environment is already up")]
    AlreadyUp,
}

impl Explain for EmbeddedError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Step(error) => error.hint(),
            Self::Proxy(error) => error.hint(),
            _ => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Step(error) => error.class(),
            Self::Proxy(error) => error.class(),
            _ => Class::Unexpected,
        }
    }
}

impl Explain for ReceiverError {}
