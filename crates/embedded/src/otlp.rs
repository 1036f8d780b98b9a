//! The OTLP receiver: gRPC and HTTP on one port, acknowledged only when readers can see the spans.
//!
//! It follows the OTLP 1.11 specification; where that leaves room, it answers as the OpenTelemetry Collector does.
//! Memory is bounded whatever comes in: see [`ReceiverOptions`] and [`Limits`](crate::store::Limits).

mod answer;
mod body;
mod failure;
mod grpc;
mod http;
mod ingest;
mod json;
mod serve;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::ingest::Ingest;
use crate::store::SpanStore;

/// Why the receiver could not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The address cannot be listened on.
    #[error("cannot listen for OTLP on {addr}")]
    Bind {
        /// The address that was asked for.
        addr: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// Accepting connections failed for good.
    #[error("the OTLP receiver on {addr} can't accept connections")]
    Accept {
        /// Where it listened.
        addr: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// What the receiver allows its senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverOptions {
    /// The most bytes of a request, before and again after decompression. OTLP recommends 64 MiB.
    pub request_bytes: usize,
    /// The most bytes of all requests that are being received, counted again after decompression and after reading
    /// JSON. More are refused for the moment, so it should be at least three times [`Self::request_bytes`].
    pub in_flight_bytes: usize,
    /// How long a request may take to arrive.
    pub receive_timeout: Duration,
    /// How long requests under way are waited for on shutdown.
    pub grace: Duration,
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        Self {
            request_bytes: 64 << 20,
            in_flight_bytes: 256 << 20,
            receive_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}

/// What went through the receiver since it began to answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReceiverStats {
    /// Requests that were acknowledged, in full or in part.
    pub accepted_requests: u64,
    /// Requests that were refused.
    pub refused_requests: u64,
    /// Why the last refused one was.
    pub last_failure: Option<String>,
}

/// A bound address that does not answer yet; connections wait in the system's queue.
#[derive(Debug)]
pub struct OtlpReceiver {
    listener: TcpListener,
    addr: SocketAddr,
    options: ReceiverOptions,
}

impl OtlpReceiver {
    /// Binds an address; port 0 picks a free one.
    ///
    /// # Errors
    /// When the system refuses the address.
    pub async fn bind(addr: SocketAddr) -> Result<Self, ReceiverError> {
        let bind = |source| ReceiverError::Bind { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        Ok(Self {
            listener,
            addr,
            options: ReceiverOptions::default(),
        })
    }

    /// Allows senders something else than the defaults.
    #[must_use]
    pub fn with_options(self, options: ReceiverOptions) -> Self {
        Self { options, ..self }
    }

    /// Starts to answer, in tasks of the current runtime.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn serve(self, store: SpanStore) -> Receiver {
        let Self {
            listener,
            addr,
            options,
        } = self;
        let stop = CancellationToken::new();
        let ingest = Arc::new(Ingest::new(store, options));
        let task = tokio::spawn(serve::serve(
            listener,
            ingest.clone(),
            stop.clone(),
            options.grace,
        ));
        Receiver {
            addr,
            ingest,
            stop: stop.drop_guard(),
            task,
        }
    }
}

/// A receiver that answers. Dropped without [`Receiver::shutdown`], it stops all the same, but nobody waits for it.
#[derive(Debug)]
pub struct Receiver {
    addr: SocketAddr,
    ingest: Arc<Ingest>,
    stop: DropGuard,
    task: JoinHandle<io::Result<()>>,
}

impl Receiver {
    /// The address it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL for OTLP/gRPC and OTLP/HTTP alike, without a trailing slash.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// From now on answers every export with UNAVAILABLE or 503 and a time to wait, or no longer does.
    pub fn refuse(&self, refuse: bool) {
        self.ingest.refuse(refuse);
    }

    /// What went through so far.
    #[must_use]
    pub fn stats(&self) -> ReceiverStats {
        self.ingest.stats()
    }

    /// Stops accepting, lets exports that are under way finish, and joins every task.
    ///
    /// # Errors
    /// When accepting connections had failed.
    ///
    /// # Panics
    /// When a task panicked: its panic goes on here.
    pub async fn shutdown(self) -> Result<(), ReceiverError> {
        let Self { addr, stop, task, .. } = self;
        drop(stop);
        match task.await {
            Ok(result) => result.map_err(|source| ReceiverError::Accept { addr, source }),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only a runtime that is going down cancels tasks.
            Err(_) => Ok(()),
        }
    }
}
