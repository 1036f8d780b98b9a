//! How long and how much the client waits for.

use std::time::Duration;

/// Limits of one client. The defaults suit a Jaeger on the same machine or behind a port-forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLimits {
    /// Establishing a connection.
    pub connect: Duration,
    /// Between two reads of an answer, the first one included.
    pub read: Duration,
    /// The whole request, its answer included.
    pub total: Duration,
    /// Bytes of one answer.
    pub body: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            // A trace of 100,000 spans takes a debug build of our own server seconds before the first byte comes.
            read: Duration::from_secs(10),
            total: Duration::from_secs(60),
            // Such a trace is about 100 MB of legacy JSON.
            body: 512 * 1024 * 1024,
        }
    }
}
