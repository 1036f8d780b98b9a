//! How long something may take, and who may cut it short.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// A point on a [`Clock`] after which waiting ends, and a token that ends it sooner.
#[derive(Debug, Clone)]
pub struct Deadline {
    clock: Clock,
    limit: Duration,
    begun: Duration,
    ends: Duration,
    cancel: CancellationToken,
}

/// Why a [`Deadline`] is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The time is up.
    Elapsed,
    /// Somebody cancelled: Ctrl-C, or the owner of the token.
    Cancelled,
}

impl Deadline {
    /// Ends `limit` from now on the given clock, or when the token is cancelled.
    #[must_use]
    pub fn new(clock: &Clock, limit: Duration, cancel: CancellationToken) -> Self {
        let begun = clock.elapsed();
        Self {
            clock: clock.clone(),
            limit,
            begun,
            ends: begun.saturating_add(limit),
            cancel,
        }
    }

    /// Ends `limit` from now on a clock of its own; nothing else ends it. Inside a run take
    /// [`Run::deadline`](crate::Run::deadline), which Ctrl-C ends.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self::new(&Clock::start(), limit, CancellationToken::new())
    }

    /// Ends `limit` from now, and never later than this one; cancelled with it.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        let begun = self.clock.elapsed();
        let ends = begun.saturating_add(limit).min(self.ends);
        Self {
            clock: self.clock.clone(),
            limit: ends.saturating_sub(begun),
            begun,
            ends,
            cancel: self.cancel.clone(),
        }
    }

    /// The whole time that was given.
    #[must_use]
    pub const fn limit(&self) -> Duration {
        self.limit
    }

    /// Time used so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed().saturating_sub(self.begun)
    }

    /// Time left; zero when the time is up, whether or not it was cancelled.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.ends.saturating_sub(self.clock.elapsed())
    }

    /// Whether and why it is over. Cancelling counts first.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        if self.cancel.is_cancelled() {
            Some(Over::Cancelled)
        } else {
            self.remaining().is_zero().then_some(Over::Elapsed)
        }
    }

    /// Waits until it is over.
    pub async fn ended(&self) -> Over {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Over::Cancelled,
            () = self.clock.reaches(self.ends) => Over::Elapsed,
        }
    }

    /// Runs a future until it is done or the deadline is over; the future is dropped then.
    ///
    /// # Errors
    /// Why the deadline was over before the future was done.
    pub async fn bound<F: Future>(&self, future: F) -> Result<F::Output, Over> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            over = self.ended() => Err(over),
        }
    }
}
