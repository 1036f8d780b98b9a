//! What a service of ours says of itself at `GET /whoami`: who it is, and what became of its spans.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trace::{ExportAccount, ServiceName, Site, names};

/// When a process is to say what became of its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// At once, whatever is still on its way.
    Now,
    /// Once no span is open or on its way any more, or after a second: for whoever would ask again until then.
    OnceDelivered,
}

impl Tell {
    /// The request's header that says so (RFC 7240, section 4.3), when there is something to say.
    #[must_use]
    pub fn header(self) -> Option<(&'static str, String)> {
        let patience = self.patience();
        (!patience.is_zero()).then(|| (names::PREFER_HEADER, format!("wait={}", patience.as_secs())))
    }

    /// By how much later the answer may come for it, in whole seconds.
    #[must_use]
    pub const fn patience(self) -> Duration {
        match self {
            Self::Now => Duration::ZERO,
            Self::OnceDelivered => Duration::from_secs(1),
        }
    }
}

/// The answer of `/whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    /// `service.name`.
    pub service: String,
    /// `service.version`.
    pub version: String,
    /// Where it runs, when it was told.
    pub site: Option<Site>,
    /// Its process id as it sees it.
    pub pid: u32,
    /// `service.instance.id`: tells two processes with the same pid in different pods apart.
    pub instance_id: String,
    /// The nonce that was asked with.
    #[serde(default)]
    pub nonce: Option<String>,
    /// How often it was asked with a nonce; 0 when it doesn't say.
    #[serde(default)]
    pub probes: u64,
    /// What it says of its spans.
    pub telemetry: Telemetry,
}

/// The part of [`Whoami`] that counts spans; see [`ExportAccount`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telemetry {
    /// Where spans go.
    pub exporter: String,
    /// The formats in which it reads and writes contexts; empty when it doesn't say.
    #[serde(default)]
    pub propagators: Vec<String>,
    /// Who decides which spans are recorded; empty when it doesn't say.
    #[serde(default)]
    pub sampler: String,
    /// Spans that its sampler did not want.
    #[serde(default)]
    pub sampled_out: u64,
    /// Sampled spans started.
    pub started: u64,
    /// Spans acknowledged.
    pub exported: u64,
    /// Spans given up.
    pub failed: u64,
    /// The last export error.
    pub last_error: Option<String>,
}

impl Whoami {
    /// The account of its spans; `None` when it doesn't know its site.
    #[must_use]
    pub fn account(&self) -> Option<ExportAccount> {
        Some(ExportAccount {
            service: ServiceName::new(&self.service),
            site: self.site?,
            version: self.version.clone(),
            pid: self.pid,
            exporter: self.telemetry.exporter.clone(),
            propagators: self.telemetry.propagators.clone(),
            sampler: self.telemetry.sampler.clone(),
            sampled_out: self.telemetry.sampled_out,
            started: self.telemetry.started,
            exported: self.telemetry.exported,
            failed: self.telemetry.failed,
            last_error: self.telemetry.last_error.clone(),
        })
    }

    /// For people: `order-service@workstation pid 4711`.
    #[must_use]
    pub fn describe(&self) -> String {
        let site = self.site.map_or("unknown site", Site::as_str);
        format!("{}@{site} pid {}", self.service, self.pid)
    }
}
