//! What has happened at a proxy, for the evidence of a run.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What has happened at a proxy since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ProxyCounters {
    /// Connections accepted.
    pub connections: u64,
    /// Times that accepting a connection failed.
    pub failed_accepts: u64,
    /// Requests that were sent to the pod, or should have been.
    pub to_pod: u64,
    /// Requests that were sent to the workstation, or should have been.
    pub to_workstation: u64,
    /// Requests answered by the proxy itself, because no target could or would.
    pub answered_by_proxy: u64,
    /// Responses that broke off in the middle of their body.
    pub broken_off: u64,
    /// Connections that became tunnels after an upgrade.
    pub tunnels: u64,
    /// Requests whose trace context was removed on purpose.
    pub stripped: u64,
    /// Requests that were delivered twice on purpose.
    pub replayed: u64,
}

/// The counters while they count.
#[derive(Debug, Default)]
pub(super) struct Counting {
    pub(super) connections: AtomicU64,
    pub(super) failed_accepts: AtomicU64,
    pub(super) to_pod: AtomicU64,
    pub(super) to_workstation: AtomicU64,
    pub(super) answered_by_proxy: AtomicU64,
    pub(super) broken_off: AtomicU64,
    pub(super) tunnels: AtomicU64,
    pub(super) stripped: AtomicU64,
    pub(super) replayed: AtomicU64,
}

/// Counts one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counting {
    pub(super) fn snapshot(&self) -> ProxyCounters {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProxyCounters {
            connections: now(&self.connections),
            failed_accepts: now(&self.failed_accepts),
            to_pod: now(&self.to_pod),
            to_workstation: now(&self.to_workstation),
            answered_by_proxy: now(&self.answered_by_proxy),
            broken_off: now(&self.broken_off),
            tunnels: now(&self.tunnels),
            stripped: now(&self.stripped),
            replayed: now(&self.replayed),
        }
    }
}
