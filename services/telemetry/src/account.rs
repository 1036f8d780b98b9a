//! The count of a process's spans: started, acknowledged, given up. It is what tells a late span from a lost one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

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
pub struct Ledger(Mutex<State>);

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
        Self(Mutex::new(State {
            account,
            ..State::default()
        }))
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
            state.give_up(1, "the span ended after the tracer");
            return Admission::Closed;
        }
        if state.waiting >= limit {
            state.give_up(1, &format!("dropped: the queue of {limit} spans is full"));
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
        self.lock().account.exported += spans;
    }

    /// `spans` were given up because of `error`.
    pub fn failed(&self, spans: u64, error: &str) {
        self.lock().give_up(spans, error);
    }

    /// The tracer has ended: nothing that still waits will be exported.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        if waiting > 0 {
            state.give_up(waiting, "not exported before the tracer ended");
        }
    }

    /// Whether the tracer has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn give_up(&mut self, spans: u64, error: &str) {
        self.account.failed += spans;
        self.account.last_error = Some(error.to_owned());
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
