//! The query API on an address of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{QueryOptions, router_with};
use crate::store::SpanStore;

/// Why the query API could not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The address cannot be listened on.
    #[error("cannot listen for queries on {addr}")]
    Bind {
        /// The address that was asked for.
        addr: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// Accepting connections failed for good.
    #[error("the query API on {addr} can't accept connections")]
    Accept {
        /// Where it listened.
        addr: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// A bound address that does not answer yet; connections wait in the system's queue.
#[derive(Debug)]
pub struct QueryServer {
    listener: TcpListener,
    addr: SocketAddr,
    options: QueryOptions,
}

impl QueryServer {
    /// Binds an address; port 0 picks a free one.
    ///
    /// # Errors
    /// When the system refuses the address.
    pub async fn bind(addr: SocketAddr) -> Result<Self, QueryError> {
        let bind = |source| QueryError::Bind { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        Ok(Self {
            listener,
            addr,
            options: QueryOptions::default(),
        })
    }

    /// Shows and allows something else than the defaults.
    #[must_use]
    pub fn with_options(self, options: QueryOptions) -> Self {
        Self { options, ..self }
    }

    /// Starts to answer, in tasks of the current runtime.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn serve(self, store: SpanStore) -> QueryHandle {
        let Self {
            listener,
            addr,
            options,
        } = self;
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, store, options, stop.clone()));
        QueryHandle {
            addr,
            stop: stop.drop_guard(),
            task,
        }
    }
}

/// A query API that answers. Dropped without [`QueryHandle::shutdown`], it stops all the same, but nobody waits for it.
#[derive(Debug)]
pub struct QueryHandle {
    addr: SocketAddr,
    stop: DropGuard,
    task: JoinHandle<io::Result<()>>,
}

impl QueryHandle {
    /// The address it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops accepting, lets answers that are under way finish for a while, and joins every task.
    ///
    /// # Errors
    /// When accepting connections had failed.
    ///
    /// # Panics
    /// When a task panicked: its panic goes on here.
    pub async fn shutdown(self) -> Result<(), QueryError> {
        let Self { addr, stop, task } = self;
        drop(stop);
        match task.await {
            Ok(result) => result.map_err(|source| QueryError::Accept { addr, source }),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only a runtime that is going down cancels tasks.
            Err(_) => Ok(()),
        }
    }
}

async fn serve(
    listener: TcpListener,
    store: SpanStore,
    options: QueryOptions,
    stop: CancellationToken,
) -> io::Result<()> {
    let grace: Duration = options.grace;
    let stopped = stop.clone();
    let server =
        axum::serve(listener, router_with(store, options)).with_graceful_shutdown(stopped.cancelled_owned());
    let server = server.into_future();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = stop.cancelled() => {}
    }
    // A client that never reads must not hold up the end.
    tokio::time::timeout(grace, server).await.unwrap_or(Ok(()))
}
