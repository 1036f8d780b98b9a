//! The exporter that counts what the receiver said, tells once when exporting stops working and once when it works again,
//! and carries out the faults that concern export.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing::{info, warn};

use crate::account::Ledger;
use crate::config::Fault;
use crate::export::rejections::Rejections;

/// Counts what an exporter achieves.
#[derive(Debug)]
pub struct Accounted<E> {
    inner: E,
    ledger: Arc<Ledger>,
    endpoint: String,
    rejections: Rejections,
    fault: Option<Fault>,
    failing: AtomicBool,
}

impl<E> Accounted<E> {
    /// Wraps an exporter to `endpoint`; `rejections` hears what the receiver refused.
    pub fn new(inner: E, ledger: Arc<Ledger>, endpoint: impl Into<String>, rejections: Rejections) -> Self {
        Self {
            inner,
            ledger,
            endpoint: endpoint.into(),
            rejections,
            fault: None,
            failing: AtomicBool::new(false),
        }
    }

    /// Misbehaves on purpose.
    #[must_use]
    pub fn with_fault(self, fault: Option<Fault>) -> Self {
        Self { fault, ..self }
    }

    /// One warning when exports begin to fail, however many do. None for an export that was cut off because its time was
    /// over at the end: that was told already, and its error would be about the cutting.
    fn tell_failure(&self, error: &str) {
        if !self.ledger.is_closed() && !self.failing.swap(true, Ordering::Relaxed) {
            warn!(
                endpoint = self.endpoint,
                error, "spans cannot be exported; told once, until it works again"
            );
        }
    }

    fn tell_success(&self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            let given_up = self.ledger.read().failed;
            info!(endpoint = self.endpoint, given_up, "spans are exported again");
        }
    }
}

impl<E: SpanExporter> SpanExporter for Accounted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.ledger.taken(spans);
        if self.fault == Some(Fault::LoseSpans) {
            self.ledger.exported(spans);
            return Ok(());
        }
        if self.fault == Some(Fault::ExportTwice) {
            // The second export, below, is the one that counts.
            let _ = self.inner.export(batch.clone()).await;
        }
        // What was heard outside of an export belongs to none.
        let _ = self.rejections.take();
        let result = self.inner.export(batch).await;
        match &result {
            Ok(()) => {
                let (rejected, reason) = self.rejections.take().unwrap_or_default();
                let rejected = rejected.min(spans);
                self.ledger.exported(spans - rejected);
                if rejected > 0 {
                    self.ledger.failed(rejected, &reason);
                    self.tell_failure(&reason);
                } else {
                    self.tell_success();
                }
            }
            Err(error) => {
                let error = in_words(error);
                self.ledger.failed(spans, &error);
                self.tell_failure(&error);
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The SDK puts "Operation failed: " in front of the words that say something.
fn in_words(error: &OTelSdkError) -> String {
    match error {
        OTelSdkError::InternalFailure(words) => words.clone(),
        other => other.to_string(),
    }
}
