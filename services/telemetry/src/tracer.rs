//! The tracer of a process: built once from the environment, flushed once at the end.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::account::Ledger;
use crate::config::{Fault, ServiceArgs};
use crate::exporter::{self, Accounted, Starter};
use crate::identity::{self, Identity};
use crate::propagation::Propagation;
use crate::resource::{self, Defaults};

/// A running tracer with its account.
#[derive(Debug)]
pub struct Telemetry {
    /// The SDK's provider.
    pub provider: SdkTracerProvider,
    /// The account.
    pub ledger: Arc<Ledger>,
    /// Who this process is.
    pub identity: Identity,
    /// What travels between services.
    pub propagation: Arc<Propagation>,
}

impl Telemetry {
    /// Starts the tracer that the environment asks for.
    ///
    /// # Errors
    /// The exporter can't be built.
    pub fn start(
        name: &str,
        version: &str,
        args: &ServiceArgs,
    ) -> Result<Self, opentelemetry_otlp::ExporterBuildError> {
        let instance_id = identity::new_instance_id();
        let defaults = Defaults {
            name,
            version,
            instance_id: &instance_id,
            site: args.site,
            pid: std::process::id(),
        };
        let resource = resource::resource(defaults, &|key| std::env::var(key).ok());
        let identity = Identity::of(&resource);
        let none = std::env::var(crate::names::vars::TRACES_EXPORTER).is_ok_and(|value| value == "none");
        let endpoint = std::env::var(crate::names::vars::ENDPOINT)
            .unwrap_or_else(|_| "http://localhost:4317".to_owned());
        let ledger = Arc::new(Ledger::new(if none { "none".to_owned() } else { endpoint }));
        let mut provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_processor(Starter(Arc::clone(&ledger)));
        if !none {
            provider = provider.with_batch_exporter(Accounted::new(exporter::otlp()?, Arc::clone(&ledger)));
        }
        let mut propagation = Propagation::w3c();
        if args.fault == Some(Fault::DropTraceparent) {
            propagation = propagation.dropping_trace_context();
        }
        Ok(Self {
            provider: provider.build(),
            ledger,
            identity,
            propagation: Arc::new(propagation),
        })
    }

    /// Exports what is left and ends the tracer. Blocks: call it where that does no harm.
    pub fn finish(&self, limit: Duration) {
        let _ = self.provider.force_flush();
        let _ = self.provider.shutdown_with_timeout(limit);
    }
}
