//! The span processor that counts: every sampled span that starts, and every one that can't wait for export.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::Span as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tracing::warn;

use crate::account::{Admission, Ledger};
use crate::correlation::Correlation;
use crate::names;

/// Counts spans on their way into another processor, and puts the request id onto each of them.
///
/// The SDK's batch processor drops spans in silence when its queue is full. So it is never full: this processor keeps the
/// same limit, counts a span as waiting *before* it is handed on and as taken *after* it has left the queue, and gives
/// up itself what would not fit.
#[derive(Debug)]
pub struct Accounting<P> {
    inner: P,
    ledger: Arc<Ledger>,
    queue: u64,
}

impl<P> Accounting<P> {
    /// Counts spans on their way into `inner`, whose queue holds `queue` spans.
    pub const fn new(inner: P, ledger: Arc<Ledger>, queue: u64) -> Self {
        Self { inner, ledger, queue }
    }
}

impl<P: SpanProcessor> SpanProcessor for Accounting<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        if span.span_context().is_sampled() {
            self.ledger.started();
        }
        if let Some(correlation) = cx.get::<Correlation>() {
            span.set_attribute(KeyValue::new(names::REQUEST_ID, correlation.request_id.clone()));
        }
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        match self.ledger.admit(self.queue) {
            Admission::Queued => self.inner.on_end(span),
            Admission::Full { first: true } => {
                warn!(
                    queue = self.queue,
                    "spans are dropped: the queue is full, they come faster than they are exported"
                );
            }
            Admission::Full { first: false } | Admission::Closed => {}
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let result = self.inner.shutdown_with_timeout(timeout);
        self.ledger.close();
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The processor of a process that exports nothing: gives every span up at its end, so that none stays pending.
#[derive(Debug)]
pub struct Discard(pub Arc<Ledger>);

impl Discard {
    /// What the account says of the spans.
    pub const REASON: &str = "export is switched off (OTEL_TRACES_EXPORTER=none)";
}

impl SpanProcessor for Discard {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, _span: SpanData) {
        self.0.taken(1);
        self.0.failed(1, Self::REASON);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
