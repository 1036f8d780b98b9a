//! Waiting for a condition: the only place in the workspace that sleeps.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::deadline::{Deadline, Over};
use crate::explain::{BoxError, Class, Explain};
use crate::text::Took;

/// What one look at a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe<T, E = std::convert::Infallible> {
    /// It holds.
    Ready(T),
    /// It does not hold yet, because of this.
    NotYet(String),
    /// It never will.
    Broken(E),
}

impl<T, E> Probe<T, E> {
    /// It does not hold yet, because of this.
    pub fn not_yet(reason: impl Into<String>) -> Self {
        Self::NotYet(reason.into())
    }
}

/// How often to look: the first pause, growing by half each time up to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Before the second look.
    pub first: Duration,
    /// Between later looks.
    pub longest: Duration,
}

impl Default for Pace {
    /// 1 ms to 50 ms: a loopback service is seen at once, and a minute of waiting costs little.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(50),
        }
    }
}

/// A condition that did not come to hold.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The time was up.
    #[error("{what}: not there after {} ({}){}", Took(*waited), Looks(*probes), Last(last.as_deref()))]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long, without time that was held.
        waited: Duration,
        /// How often it was looked at, an unfinished look included.
        probes: usize,
        /// The last reason given, or that the first look never came back.
        last: Option<String>,
    },
    /// The deadline was cancelled.
    #[error("{what}: waiting was interrupted after {}{}", Took(*waited), Last(last.as_deref()))]
    Cancelled {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// The last reason given.
        last: Option<String>,
    },
    /// The probe says that it never will be.
    #[error("{what}: {source}")]
    Broken {
        /// What was waited for.
        what: String,
        /// Why it never will be.
        source: BoxError,
    },
}

impl Explain for WaitError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Broken { source, .. } => source.hint(),
            Self::TimedOut { .. } | Self::Cancelled { .. } => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Broken { source, .. } => source.class(),
            Self::TimedOut { .. } => Class::Unexpected,
            Self::Cancelled { .. } => Class::Interrupted,
        }
    }
}

/// Looks until the condition holds, never will, or the deadline is over. A look that does not come back is given up
/// when the deadline is over.
///
/// # Errors
/// [`WaitError`], with the last reason that the probe gave.
pub async fn until<T, E, F, P>(deadline: &Deadline, what: &str, probe: P) -> Result<T, WaitError>
where
    E: Into<BoxError>,
    F: Future<Output = Probe<T, E>>,
    P: FnMut() -> F,
{
    until_paced(deadline, what, Pace::default(), probe).await
}

/// As [`until`], at another pace.
///
/// # Errors
/// As [`until`].
pub async fn until_paced<T, E, F, P>(
    deadline: &Deadline,
    what: &str,
    pace: Pace,
    mut probe: P,
) -> Result<T, WaitError>
where
    E: Into<BoxError>,
    F: Future<Output = Probe<T, E>>,
    P: FnMut() -> F,
{
    let mut last: Option<String> = None;
    let mut pause = pace.first.min(pace.longest);
    let mut probes = 0;
    loop {
        probes += 1;
        let begun = deadline.elapsed();
        let over = match deadline.bound(probe()).await {
            Ok(Probe::Ready(value)) => return Ok(value),
            Ok(Probe::Broken(error)) => {
                return Err(WaitError::Broken {
                    what: what.to_owned(),
                    source: error.into(),
                });
            }
            Ok(Probe::NotYet(reason)) => {
                remember(what, &reason);
                last = Some(reason);
                #[expect(clippy::disallowed_methods, reason = "this is the one loop that sleeps")]
                let sleep = tokio::time::sleep(pause);
                pause = (pause + pause / 2 + Duration::from_micros(1)).min(pace.longest);
                match deadline.bound(sleep).await {
                    Ok(()) => match deadline.over() {
                        None => continue,
                        Some(over) => over,
                    },
                    Err(over) => over,
                }
            }
            Err(over) => {
                let look = deadline.elapsed().saturating_sub(begun);
                last = match last {
                    None => Some("the first look did not come back".to_owned()),
                    Some(last) if look > pace.longest => Some(format!(
                        "{last}; the last look had been under way for {}",
                        Took(look)
                    )),
                    last => last,
                };
                over
            }
        };
        let (what, waited) = (what.to_owned(), deadline.elapsed());
        return Err(match over {
            Over::Elapsed => WaitError::TimedOut {
                what,
                waited,
                probes,
                last,
            },
            Over::Cancelled => WaitError::Cancelled { what, waited, last },
        });
    }
}

tokio::task_local! {
    static LAST_REASON: RefCell<Option<String>>;
}

/// Runs a future and lets [`last_reason`] see what it is waiting for, so that a time limit around the whole can say it.
pub(crate) async fn remembering<F: Future>(future: F) -> F::Output {
    LAST_REASON.scope(RefCell::new(None), future).await
}

/// What the surrounding [`remembering`] future was last waiting for.
pub(crate) fn last_reason() -> Option<String> {
    LAST_REASON.try_with(|last| last.borrow().clone()).ok().flatten()
}

fn remember(what: &str, reason: &str) {
    // Outside a step nobody asks.
    let _ = LAST_REASON.try_with(|last| *last.borrow_mut() = Some(format!("{what}: {reason}")));
}

struct Looks(usize);

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} look{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

struct Last<'a>(Option<&'a str>);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |last| write!(f, ": {last}"))
    }
}

#[cfg(test)]
mod tests;
