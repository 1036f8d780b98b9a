//! A named part of a run with a time limit.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::ground::Ground;
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
    ground: &Ground,
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
    let grounded = async {
        tokio::select! {
            biased;
            done = future => done.map_err(Into::into),
            lost = ground.lost(&deadline) => Err(lost.into()),
        }
    };
    let (ended, last) =
        wait::remembering(async { (deadline.bound(grounded).await, wait::last_reason()) }).await;
    let limit = deadline.limit();
    let result = match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(StepError::Failed {
            step: step.clone(),
            source: error,
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

#[cfg(test)]
mod tests {
    use super::super::ground::tests::{gone, lost_at};
    use super::*;

    async fn ended(
        look: u32,
        future: impl Future<Output = Result<u8, BoxError>>,
    ) -> (Result<u8, StepError>, Event) {
        let (events, mut receiver) = Events::unrecorded();
        let (ground, _) = lost_at(look);
        let deadline = Deadline::after(Duration::from_secs(60));
        let ended = run(&events, &ground, "proof", deadline, future, |_| None).await;
        let told = std::iter::from_fn(|| receiver.try_recv()).last();
        (ended, told.expect("events"))
    }

    #[tokio::test]
    async fn a_step_fails_when_what_it_stands_on_is_taken_away() {
        let (ended, told) = ended(3, std::future::pending()).await;
        let error = ended.expect_err("there is nothing to wait for");
        assert_eq!(error.to_string(), "proof: the cluster was deleted");
        assert_eq!(error.hint(), Some(gone().cure));
        let Event::StepFinished { outcome, .. } = told else {
            panic!("{told:?}");
        };
        let expected = Outcome::Failed {
            error: gone().fact,
            hint: Some(gone().cure),
        };
        assert_eq!(outcome, expected);
    }

    #[tokio::test]
    async fn a_step_that_is_over_is_what_it_is() {
        let (ended, _) = ended(1, std::future::ready(Ok(7))).await;
        assert_eq!(ended.expect("it is done"), 7);
    }
}
