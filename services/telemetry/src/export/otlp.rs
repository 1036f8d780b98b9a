//! The SDK's OTLP exporter for a target: gRPC, or HTTP with a client that tells what went wrong.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol as OtlpProtocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;

use crate::settings::{Protocol, Target};

/// The exporter can't be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The SDK does not like the settings.
    #[error("no exporter for these settings")]
    Sdk(#[from] ExporterBuildError),
    /// There is no HTTP client.
    #[error("no HTTP client for the exporter")]
    Client(#[source] Box<dyn Error + Send + Sync>),
}

/// Builds the exporter. For gRPC this has to happen inside a tokio runtime.
///
/// # Errors
/// The SDK does not like the settings, or the system has no room for an HTTP client.
pub fn exporter(target: &Target) -> Result<Telling, BuildError> {
    let cause = Cause::default();
    let inner = match target.protocol {
        Protocol::Grpc => SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&target.endpoint)
            .with_timeout(target.timeout)
            .build()?,
        Protocol::HttpProtobuf => over_http(target, OtlpProtocol::HttpBinary, cause.clone())?,
        Protocol::HttpJson => over_http(target, OtlpProtocol::HttpJson, cause.clone())?,
    };
    Ok(Telling { inner, cause })
}

fn over_http(target: &Target, protocol: OtlpProtocol, cause: Cause) -> Result<SpanExporter, BuildError> {
    let inner = blocking_client(target.timeout).map_err(BuildError::Client)?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(protocol)
        .with_endpoint(&target.endpoint)
        .with_timeout(target.timeout)
        .with_http_client(Observed { inner, cause })
        .build()?;
    Ok(exporter)
}

/// The blocking client, because the SDK exports on a thread of its own that has no reactor. It starts a runtime inside,
/// and that must not happen on a thread that is already in one.
fn blocking_client(timeout: Duration) -> Result<reqwest::blocking::Client, Box<dyn Error + Send + Sync>> {
    let build = move || {
        reqwest::blocking::Client::builder()
            .timeout(timeout)
            .no_proxy()
            .build()
    };
    let thread = std::thread::Builder::new()
        .name("exporter-client".to_owned())
        .spawn(build)?;
    Ok(thread
        .join()
        .map_err(|_| "the thread that builds it panicked")??)
}

/// What went wrong below the SDK's exporter, which says "network error" and no more.
#[derive(Debug, Clone, Default)]
struct Cause(Arc<Mutex<Option<String>>>);

impl Cause {
    fn set(&self, cause: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// An HTTP client that remembers why the last request failed.
#[derive(Debug)]
struct Observed {
    inner: reqwest::blocking::Client,
    cause: Cause,
}

impl HttpClient for Observed {
    // Written out where the trait has it through `async_trait`; one signature is no reason for that crate.
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let result = self.inner.send_bytes(request).await;
            self.cause
                .set(result.as_ref().err().map(|error| crate::chain(error.as_ref())));
            result
        })
    }
}

/// The SDK's exporter, with errors that say what happened.
#[derive(Debug)]
pub struct Telling {
    inner: SpanExporter,
    cause: Cause,
}

impl opentelemetry_sdk::trace::SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.inner.export(batch).await;
        match (result, self.cause.take()) {
            (Err(OTelSdkError::InternalFailure(text)), Some(cause)) => {
                Err(OTelSdkError::InternalFailure(format!("{text}: {cause}")))
            }
            (result, _) => result,
        }
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
