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

/// The account as it is kept. One lock for all figures, so that a reader never sees half a change.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Account>);

impl Ledger {
    /// An empty account of spans that go to `exporter`.
    #[must_use]
    pub fn new(exporter: impl Into<String>) -> Self {
        Self(Mutex::new(Account {
            exporter: exporter.into(),
            ..Account::default()
        }))
    }

    /// The account now.
    #[must_use]
    pub fn read(&self) -> Account {
        self.lock().clone()
    }

    pub(crate) fn started(&self) {
        self.lock().started += 1;
    }

    pub(crate) fn exported(&self, spans: u64) {
        self.lock().exported += spans;
    }

    pub(crate) fn failed(&self, spans: u64, error: &str) {
        let mut account = self.lock();
        account.failed += spans;
        account.last_error = Some(error.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
