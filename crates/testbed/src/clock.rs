//! The time that limits are measured in: it stands still while somebody holds it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A stopwatch shared by the deadlines of a run. It runs from its creation, and stands still while at least one
/// [`Hold`] exists: a developer at a breakpoint must not make the harness time out.
#[derive(Debug, Clone)]
pub struct Clock {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    origin: Instant,
    /// Time that does not count, without the hold that is going on.
    held: Duration,
    holds: usize,
    held_since: Option<Instant>,
}

impl State {
    fn elapsed(&self, now: Instant) -> Duration {
        let until = self.held_since.unwrap_or(now);
        until
            .saturating_duration_since(self.origin)
            .saturating_sub(self.held)
    }
}

impl Clock {
    /// Starts a stopwatch.
    #[must_use]
    pub fn start() -> Self {
        let state = State {
            origin: Instant::now(),
            held: Duration::ZERO,
            holds: 0,
            held_since: None,
        };
        Self {
            state: Arc::new(watch::Sender::new(state)),
        }
    }

    /// Time that has passed since the start, without the time that was held.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.state.borrow().elapsed(Instant::now())
    }

    /// Whether time stands still.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state.borrow().holds > 0
    }

    /// Lets time stand still until the guard is dropped. Holds nest: time goes on when the last one is gone.
    #[must_use = "time goes on as soon as the guard is dropped"]
    pub fn hold(&self) -> Hold {
        self.state.send_modify(|state| {
            state.holds += 1;
            state.held_since.get_or_insert_with(Instant::now);
        });
        Hold { clock: self.clone() }
    }

    /// Waits until the stopwatch shows at least `at`.
    pub async fn reaches(&self, at: Duration) {
        let mut changes = self.state.subscribe();
        loop {
            let state = *changes.borrow_and_update();
            let now = Instant::now();
            let left = at.saturating_sub(state.elapsed(now));
            if left.is_zero() {
                return;
            }
            // The sender lives as long as `self`, so a closed channel cannot be seen here.
            if state.holds > 0 {
                let _ = changes.changed().await;
            } else if let Some(then) = now.checked_add(left) {
                let _ = tokio::time::timeout_at(then, changes.changed()).await;
            } else {
                let _ = changes.changed().await;
            }
        }
    }
}

/// Time stands still as long as this exists.
#[derive(Debug)]
pub struct Hold {
    clock: Clock,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.clock.state.send_modify(|state| {
            state.holds -= 1;
            if state.holds == 0
                && let Some(since) = state.held_since.take()
            {
                state.held += since.elapsed();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn time_stands_still_until_the_last_hold_is_gone() {
        let clock = Clock::start();
        tokio::time::advance(SECOND).await;
        let (outer, inner) = (clock.hold(), clock.hold());
        tokio::time::advance(10 * SECOND).await;
        drop(outer);
        assert!(clock.is_held());
        tokio::time::advance(10 * SECOND).await;
        assert_eq!(clock.elapsed(), SECOND);
        drop(inner);
        tokio::time::advance(2 * SECOND).await;
        assert_eq!(clock.elapsed(), 3 * SECOND);
        assert!(!clock.is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_is_woken_later_by_as_much_as_was_held() {
        let clock = Clock::start();
        let begun = Instant::now();
        let holder = {
            let clock = clock.clone();
            async move {
                let then = begun + SECOND;
                tokio::time::timeout_at(then, std::future::pending::<()>())
                    .await
                    .unwrap_err();
                let _hold = clock.hold();
                tokio::time::timeout_at(then + 5 * SECOND, std::future::pending::<()>())
                    .await
                    .unwrap_err();
            }
        };
        tokio::join!(holder, clock.reaches(2 * SECOND));
        let late = begun.elapsed() - 7 * SECOND;
        assert!(late < Duration::from_millis(5), "{late:?}");
    }
}
