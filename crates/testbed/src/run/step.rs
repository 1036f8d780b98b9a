//! A named part of a run with a time limit.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::deadline::{Deadline, Over};
use crate::event::{Event, Events, Outcome};
use crate::explain::{BoxError, Class, Explain, chain};
use crate::text::Took;
use crate::wait;

/// A step that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It failed.
    #[error("{step}: {source}")]
    Failed {
        /// The step.
        step: String,
        /// Why.
        source: BoxError,
    },
    /// It took longer than it may.
    #[error("{step} took longer than {}{}", Took(*limit), Waiting(last.as_deref()))]
    TimedOut {
        /// The step.
        step: String,
        /// What it was given.
        limit: Duration,
        /// What it was waiting for, when that is known.
        last: Option<String>,
    },
    /// Ctrl-C or SIGTERM ended it.
    #[error("{step} was interrupted")]
    Interrupted {
        /// The step.
        step: String,
    },
}

impl Explain for StepError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { source, .. } => source.hint(),
            Self::TimedOut { .. } | Self::Interrupted { .. } => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Failed { source, .. } => source.class(),
            Self::TimedOut { .. } => Class::Unexpected,
            Self::Interrupted { .. } => Class::Interrupted,
        }
    }
}

/// Runs a step and tells its story.
pub(super) async fn run<T, E, F>(
    events: &Events,
    step: &str,
    deadline: Deadline,
    future: F,
    show: impl FnOnce(&T) -> Option<String>,
) -> Result<T, StepError>
where
    E: Into<BoxError>,
    F: Future<Output = Result<T, E>>,
{
    let step = step.to_owned();
    events.emit(Event::StepStarted { step: step.clone() });
    let begun = std::time::Instant::now();
    let (ended, last) =
        wait::remembering(async { (deadline.bound(future).await, wait::last_reason()) }).await;
    let limit = deadline.limit();
    let result = match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(StepError::Failed {
            step: step.clone(),
            source: error.into(),
        }),
        Err(Over::Elapsed) => Err(StepError::TimedOut {
            step: step.clone(),
            limit,
            last,
        }),
        Err(Over::Cancelled) => Err(StepError::Interrupted { step: step.clone() }),
    };
    let (outcome, detail) = match &result {
        Ok(value) => (Outcome::Ok, show(value)),
        Err(StepError::Failed { source, .. }) => (
            Outcome::Failed {
                error: chain(source),
                hint: source.hint(),
            },
            None,
        ),
        Err(StepError::TimedOut { last, .. }) => (Outcome::TimedOut, last.clone()),
        Err(StepError::Interrupted { .. }) => (Outcome::Interrupted, None),
    };
    events.emit(Event::StepFinished {
        step,
        took: begun.elapsed(),
        outcome,
        detail,
    });
    result
}

struct Waiting<'a>(Option<&'a str>);

impl fmt::Display for Waiting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |last| write!(f, "; it was waiting for {last}"))
    }
}
