//! From a received message to stored spans: the part that both protocols share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hyper::body::{Body, Bytes};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};

use super::body::{self, Budget, Share};
use super::failure::{BoxError, Failure};
use super::{ReceiverOptions, ReceiverStats, json};
use crate::store::{Inserted, SpanStore};

/// Above this, a request is worked on outside the threads that serve connections. Smaller ones take less time than
/// the way to another thread and back.
const HEAVY: usize = 1 << 20;
/// How many times its size a compressed request is expected to have.
const COMPRESSION: usize = 16;

/// How a message is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Protobuf,
    Json,
}

/// Everything that a connection needs.
#[derive(Debug)]
pub(super) struct Ingest {
    store: SpanStore,
    options: ReceiverOptions,
    budget: Arc<Budget>,
    refuse: AtomicBool,
    accepted: AtomicU64,
    refused: AtomicU64,
    last_failure: Mutex<Option<String>>,
}

impl Ingest {
    pub(super) fn new(store: SpanStore, options: ReceiverOptions) -> Self {
        let budget = Arc::new(Budget::new(options.in_flight_bytes));
        let (accepted, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        let (refuse, last_failure) = (AtomicBool::new(false), Mutex::new(None));
        Self {
            store,
            options,
            budget,
            refuse,
            accepted,
            refused,
            last_failure,
        }
    }

    pub(super) fn refuse(&self, refuse: bool) {
        self.refuse.store(refuse, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> ReceiverStats {
        ReceiverStats {
            accepted_requests: self.accepted.load(Ordering::Relaxed),
            refused_requests: self.refused.load(Ordering::Relaxed),
            last_failure: self.last_failure.lock().ok().and_then(|failure| failure.clone()),
        }
    }

    /// Counts an answer on its way out.
    pub(super) fn count<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        match &answer {
            Ok(_) => drop(self.accepted.fetch_add(1, Ordering::Relaxed)),
            Err(failure) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut last) = self.last_failure.lock() {
                    *last = Some(failure.message());
                }
            }
        }
        answer
    }

    /// Reads a body of at most the limit and `overhead` bytes.
    pub(super) async fn read<B>(
        &self,
        body: B,
        overhead: usize,
        announced: fn(&[u8]) -> Option<usize>,
    ) -> Result<(Bytes, Share), Failure>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        let mut share = self.budget.clone().share();
        let limit = self.options.request_bytes.saturating_add(overhead);
        let read = body::read(body, limit, &mut share, announced);
        let arrived = tokio::time::timeout(self.options.receive_timeout, read).await;
        let bytes = arrived.map_err(|_| Failure::Slow {
            limit: self.options.receive_timeout,
        })??;
        Ok((bytes, share))
    }

    /// Stores a message. When this returns, readers see its spans.
    pub(super) async fn export(
        self: &Arc<Self>,
        message: Bytes,
        gzip: bool,
        format: Format,
        share: Share,
    ) -> Result<ExportTraceServiceResponse, Failure> {
        let work = message.len().saturating_mul(if gzip { COMPRESSION } else { 1 });
        let inserted = if work < HEAVY {
            self.store(message, gzip, format, share)?
        } else {
            let ingest = self.clone();
            let stored = tokio::task::spawn_blocking(move || ingest.store(message, gzip, format, share));
            match stored.await {
                Ok(stored) => stored?,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // Only a runtime that is going down cancels what has not begun.
                Err(_) => return Err(Failure::Told),
            }
        };
        let rejected = inserted.rejected;
        let partial_success = (rejected.total() > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected.total()).unwrap_or(i64::MAX),
            error_message: rejected.to_string(),
        });
        Ok(ExportTraceServiceResponse { partial_success })
    }

    fn store(
        &self,
        message: Bytes,
        gzip: bool,
        format: Format,
        mut share: Share,
    ) -> Result<Inserted, Failure> {
        if self.refuse.load(Ordering::Relaxed) {
            return Err(Failure::Told);
        }
        let message = if gzip {
            body::gunzip(&message, self.options.request_bytes, &mut share)?
        } else {
            message
        };
        Ok(match format {
            Format::Protobuf => self.store.insert_encoded(&message)?,
            Format::Json => {
                // The protobuf is never longer than the JSON it comes from.
                share.take(message.len())?;
                self.store.insert_encoded(&json::to_protobuf(&message)?)?
            }
        })
    }
}
