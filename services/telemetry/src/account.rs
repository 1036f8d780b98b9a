//! The count of a process's spans: started, acknowledged, given up. It is what tells a late span from a lost one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// How many spans were started and what became of them.
///
/// Once the process is idle, `started == exported + failed`; until then the difference is open or on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Where spans go, for people: an endpoint, `none` or `disabled`.
    pub exporter: String,
    /// The formats in which this process reads and writes contexts, as `OTEL_PROPAGATORS` names them.
    #[serde(default)]
    pub propagators: Vec<String>,
    /// Who decides which spans are recorded, as `OTEL_TRACES_SAMPLER` names it.
    #[serde(default)]
    pub sampler: String,
    /// Spans that the sampler did not want: they were never recorded, so they count nowhere else.
    #[serde(default)]
    pub sampled_out: u64,
    /// Sampled spans that were started.
    pub started: u64,
    /// Spans that the receiver acknowledged.
    pub exported: u64,
    /// Spans that were given up: refused, timed out, or dropped.
    pub failed: u64,
    /// The last export error.
    pub last_error: Option<String>,
}

impl Account {
    /// Spans still open or on their way.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.started
            .saturating_sub(self.exported)
            .saturating_sub(self.failed)
    }
}

/// What happens to a span that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It waits for the next export.
    Queued,
    /// It was given up because the queue is full; `first` since spans were last admitted.
    Full {
        /// Whether this begins a series of drops.
        first: bool,
    },
    /// It was given up because the tracer has ended.
    Closed,
}

/// The account as it is kept. One lock for all figures, so that a reader never sees half a change.
///
/// A span is counted in exactly one place at a time: open, waiting, being exported, exported, failed.
#[derive(Debug, Default)]
pub struct Ledger {
    state: Mutex<State>,
    /// Told each time that no span is pending any more.
    paid: Notify,
}

#[derive(Debug, Default)]
struct State {
    account: Account,
    /// Ended and not yet taken by the exporter.
    waiting: u64,
    /// The tracer has ended; what still waited was given up.
    closed: bool,
    dropping: bool,
}

impl Ledger {
    /// An empty account of spans that go to `exporter`.
    #[must_use]
    pub fn new(exporter: impl Into<String>) -> Self {
        let account = Account {
            exporter: exporter.into(),
            ..Account::default()
        };
        Self {
            state: Mutex::new(State {
                account,
                ..State::default()
            }),
            paid: Notify::new(),
        }
    }

    /// The process was set up with these propagators and this sampler.
    pub fn set_up(&self, propagators: Vec<String>, sampler: &str) {
        let mut state = self.lock();
        state.account.propagators = propagators;
        sampler.clone_into(&mut state.account.sampler);
    }

    /// The account now.
    #[must_use]
    pub fn read(&self) -> Account {
        self.lock().account.clone()
    }

    /// Waits until no span is open or on its way. There may be new ones again when the caller looks.
    pub async fn paid(&self) {
        loop {
            // Registered before the look, or the moment between the two could be missed.
            let paid = self.paid.notified();
            tokio::pin!(paid);
            paid.as_mut().enable();
            if self.lock().account.pending() == 0 {
                return;
            }
            paid.await;
        }
    }

    /// A sampled span was started.
    pub fn started(&self) {
        self.lock().account.started += 1;
    }

    /// The sampler did not want a span.
    pub fn sampled_out(&self) {
        self.lock().account.sampled_out += 1;
    }

    /// A span has ended and wants to wait for export in a queue of `limit` spans.
    pub fn admit(&self, limit: u64) -> Admission {
        let mut state = self.lock();
        if state.closed {
            self.give_up(&mut state, 1, "the span ended after the tracer");
            return Admission::Closed;
        }
        if state.waiting >= limit {
            let error = format!("dropped: the queue of {limit} spans is full");
            self.give_up(&mut state, 1, &error);
            return Admission::Full {
                first: !std::mem::replace(&mut state.dropping, true),
            };
        }
        state.dropping = false;
        state.waiting += 1;
        Admission::Queued
    }

    /// The exporter took `spans` out of the queue.
    pub fn taken(&self, spans: u64) {
        let mut state = self.lock();
        if state.closed {
            // They were given up when the tracer ended, and are being exported after all.
            state.account.failed = state.account.failed.saturating_sub(spans);
        } else {
            state.waiting = state.waiting.saturating_sub(spans);
        }
    }

    /// The receiver acknowledged `spans`.
    pub fn exported(&self, spans: u64) {
        let mut state = self.lock();
        state.account.exported += spans;
        self.tell(&state);
    }

    /// `spans` were given up because of `error`.
    pub fn failed(&self, spans: u64, error: &str) {
        self.give_up(&mut self.lock(), spans, error);
    }

    /// The tracer has ended: nothing that still waits will be exported.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        if waiting > 0 {
            self.give_up(&mut state, waiting, "not exported before the tracer ended");
        }
    }

    /// Whether the tracer has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn give_up(&self, state: &mut State, spans: u64, error: &str) {
        state.account.failed += spans;
        state.account.last_error = Some(error.to_owned());
        self.tell(state);
    }

    /// Tells whoever waits for it when nothing is pending.
    fn tell(&self, state: &State) {
        if state.account.pending() == 0 {
            self.paid.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(spans: u64) -> Ledger {
        let ledger = Ledger::new("none");
        for _ in 0..spans {
            ledger.started();
        }
        ledger
    }

    #[test]
    fn a_span_is_pending_from_its_start_until_its_fate_is_known() {
        let ledger = ledger(1);
        assert_eq!(ledger.read().pending(), 1);
        assert_eq!(ledger.admit(8), Admission::Queued);
        assert_eq!(ledger.read().pending(), 1);
        ledger.taken(1);
        assert_eq!(ledger.read().pending(), 1);
        ledger.exported(1);
        assert_eq!(ledger.read().pending(), 0);
    }

    #[test]
    fn a_full_queue_gives_spans_up_and_says_so_once_per_series() {
        let ledger = ledger(5);
        assert_eq!(ledger.admit(1), Admission::Queued);
        assert_eq!(ledger.admit(1), Admission::Full { first: true });
        assert_eq!(ledger.admit(1), Admission::Full { first: false });
        ledger.taken(1);
        ledger.exported(1);
        assert_eq!(ledger.admit(1), Admission::Queued);
        assert_eq!(ledger.admit(1), Admission::Full { first: true });
        let account = ledger.read();
        assert_eq!(
            (
                account.started,
                account.exported,
                account.failed,
                account.pending()
            ),
            (5, 1, 3, 1)
        );
        assert_eq!(
            account.last_error.as_deref(),
            Some("dropped: the queue of 1 spans is full")
        );
    }

    #[test]
    fn the_end_of_the_tracer_gives_up_what_waits_and_what_ends_later() {
        let ledger = ledger(3);
        ledger.admit(8);
        ledger.admit(8);
        ledger.close();
        assert_eq!(ledger.read().failed, 2);
        assert_eq!(ledger.admit(8), Admission::Closed);
        assert_eq!(ledger.read().pending(), 0);
    }

    /// Whether somebody who began to wait before `fate` of one open span has an end of it then.
    async fn is_told_after(fate: impl FnOnce(&Ledger)) -> bool {
        let ledger = ledger(1);
        let paid = ledger.paid();
        tokio::pin!(paid);
        assert!(futures_util::poll!(paid.as_mut()).is_pending());
        fate(&ledger);
        futures_util::poll!(paid.as_mut()).is_ready()
    }

    #[tokio::test]
    async fn whoever_waits_is_told_when_the_fate_of_the_last_span_is_known() {
        assert!(is_told_after(|ledger| ledger.exported(1)).await);
        assert!(is_told_after(|ledger| ledger.failed(1, "refused")).await);
        assert!(is_told_after(|ledger| assert_eq!(ledger.admit(0), Admission::Full { first: true })).await);
        let ended_first = |ledger: &Ledger| {
            ledger.close();
            ledger.admit(8);
        };
        assert!(is_told_after(ended_first).await);
    }

    #[tokio::test]
    async fn whoever_waits_is_not_told_before() {
        let queued = |ledger: &Ledger| {
            ledger.admit(8);
            ledger.taken(1);
        };
        assert!(!is_told_after(queued).await);
        assert!(!is_told_after(|ledger| ledger.started()).await);
        let one_of_two = |ledger: &Ledger| {
            ledger.started();
            ledger.exported(1);
        };
        assert!(!is_told_after(one_of_two).await);
    }

    #[tokio::test]
    async fn nobody_waits_where_nothing_is_pending() {
        ledger(0).paid().await;
    }

    #[test]
    fn a_batch_that_is_exported_after_the_end_is_counted_once() {
        let ledger = ledger(2);
        ledger.admit(8);
        ledger.admit(8);
        ledger.close();
        ledger.taken(2);
        assert_eq!(ledger.read().pending(), 2);
        ledger.exported(2);
        let account = ledger.read();
        assert_eq!((account.exported, account.failed), (2, 0));
    }
}
