//! The OTLP exporter by the standard variables, and the wrapper that keeps the account.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use crate::account::Ledger;
use crate::names;
use crate::propagation::Correlation;

/// Counts what an exporter acknowledges.
#[derive(Debug)]
pub struct Accounted<E> {
    inner: E,
    ledger: Arc<Ledger>,
}

impl<E> Accounted<E> {
    /// Wraps an exporter.
    pub const fn new(inner: E, ledger: Arc<Ledger>) -> Self {
        Self { inner, ledger }
    }
}

impl<E: SpanExporter> SpanExporter for Accounted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.inner.export(batch).await;
        match &result {
            Ok(()) => self.ledger.exported(spans),
            Err(error) => self.ledger.failed(spans, &error.to_string()),
        }
        result
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts started spans and puts the request id onto each of them.
#[derive(Debug)]
pub struct Starter(pub Arc<Ledger>);

impl SpanProcessor for Starter {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        use opentelemetry::trace::Span as _;
        if span.span_context().is_sampled() {
            self.0.started();
        }
        if let Some(correlation) = cx.get::<Correlation>() {
            span.set_attribute(opentelemetry::KeyValue::new(
                names::REQUEST_ID,
                correlation.request_id.clone(),
            ));
        }
    }

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Builds the exporter that the variables ask for.
///
/// # Errors
/// The variables make no exporter.
pub fn otlp() -> Result<OtlpExporter, opentelemetry_otlp::ExporterBuildError> {
    let protocol =
        std::env::var(names::vars::TRACES_PROTOCOL).or_else(|_| std::env::var(names::vars::PROTOCOL));
    match protocol.as_deref() {
        Ok("http/protobuf" | "http/json") => OtlpExporter::builder().with_http().build(),
        _ => OtlpExporter::builder().with_tonic().build(),
    }
}
