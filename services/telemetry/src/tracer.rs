//! The tracer of a process: built once, flushed once at the end.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::noop::NoopTracer;
use opentelemetry::trace::{Tracer, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanProcessor};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::account::Ledger;
use crate::config::Fault;
use crate::export::{self, Accounted, Accounting, Discard, Pending, Rejections};
use crate::identity::Identity;
use crate::propagation::Propagation;
use crate::sampling::Sampling;
use crate::settings::{Export, Settings};

/// A process's tracer with its account.
#[derive(Debug)]
pub struct Telemetry {
    /// `None` when telemetry is switched off.
    provider: Option<SdkTracerProvider>,
    rejections: Rejections,
    /// The count of spans.
    pub ledger: Arc<Ledger>,
    /// Who this process is.
    pub identity: Identity,
    /// What travels between services.
    pub propagation: Arc<Propagation>,
    /// How often this process was asked with a nonce who it is: by way of the service's address, to see who answers there.
    pub probes: AtomicU64,
}

/// What became of spans while the tracer was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// Acknowledged by the receiver.
    pub exported: u64,
    /// Given up.
    pub failed: u64,
    /// Never ended, or still under way when the time was over.
    pub pending: u64,
}

impl Telemetry {
    /// Starts the tracer. Has to happen inside a tokio runtime, which gRPC export needs.
    ///
    /// # Errors
    /// The exporter can't be built.
    pub fn start(
        resource: &Resource,
        settings: Settings,
        fault: Option<Fault>,
    ) -> Result<Self, export::BuildError> {
        let propagation = match fault {
            Some(Fault::DropTraceparent) => settings.propagation.dropping_trace_context(),
            _ => settings.propagation,
        };
        let rejections = Rejections::default();
        let queue = settings.batch.queue as u64;
        let ledger = |exporter: &str| {
            let ledger = Ledger::new(exporter);
            ledger.set_up(propagation.names(), settings.sampling.name());
            Arc::new(ledger)
        };
        let sampling = |ledger: &Arc<Ledger>| Sampling::new(&settings.sampling, Arc::clone(ledger));
        let (ledger, provider) = match settings.export {
            Export::Disabled => (ledger("disabled"), None),
            Export::None => {
                let ledger = ledger("none");
                let processor = Accounting::new(Discard(Arc::clone(&ledger)), Arc::clone(&ledger), queue);
                let sampling = sampling(&ledger);
                (
                    ledger,
                    Some(provider(resource.clone(), sampling, processor, None)),
                )
            }
            Export::Otlp(target) => {
                let ledger = ledger(&target.endpoint);
                let otlp = export::exporter(&target)?;
                let pending = Pending::start(settings.open_spans, &target, resource)?;
                let exporter = Accounted::new(otlp, Arc::clone(&ledger), target.endpoint, rejections.clone())
                    .with_fault(fault);
                let batch = BatchConfigBuilder::default()
                    .with_max_queue_size(settings.batch.queue)
                    .with_max_export_batch_size(settings.batch.size)
                    .with_scheduled_delay(settings.batch.delay)
                    .build();
                let inner = BatchSpanProcessor::builder(exporter)
                    .with_batch_config(batch)
                    .build();
                let processor = Accounting::new(inner, Arc::clone(&ledger), queue);
                let sampling = sampling(&ledger);
                (
                    ledger,
                    Some(provider(resource.clone(), sampling, processor, pending)),
                )
            }
        };
        let (identity, propagation) = (Identity::of(resource), Arc::new(propagation));
        Ok(Self {
            provider,
            rejections,
            ledger,
            identity,
            propagation,
            probes: AtomicU64::new(0),
        })
    }

    /// A tracer of ready parts, for tests of services.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn assemble(
        resource: Resource,
        ledger: Arc<Ledger>,
        propagation: Propagation,
        processor: impl SpanProcessor + 'static,
    ) -> Self {
        let identity = Identity::of(&resource);
        let choice = crate::sampling::Choice::default();
        ledger.set_up(propagation.names(), choice.name());
        let sampling = Sampling::new(&choice, Arc::clone(&ledger));
        let provider = Some(provider(resource, sampling, processor, None));
        Self {
            provider,
            rejections: Rejections::default(),
            ledger,
            identity,
            propagation: Arc::new(propagation),
            probes: AtomicU64::new(0),
        }
    }

    /// A subscriber that makes spans and listens to the exporter; add a layer for logs.
    ///
    /// Layers are put onto the registry one by one. Two that were joined first (`Layer::and_then`) would pass for one, with
    /// the level of the second: `warn` here, which deletes every span as soon as logs are quiet.
    pub fn subscriber(&self) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + use<> {
        let spans: Box<dyn Layer<Registry> + Send + Sync> = match &self.provider {
            Some(provider) => {
                let scope = InstrumentationScope::builder("throughline")
                    .with_version(env!("CARGO_PKG_VERSION"))
                    .build();
                Box::new(span_layer(provider.tracer_with_scope(scope)))
            }
            // Makes no spans and still carries the context of requests, which has to travel on.
            None => Box::new(span_layer(NoopTracer::new())),
        };
        Registry::default().with(spans).with(self.rejections.layer())
    }

    /// Exports what is left and ends the tracer, within `limit`. Blocks: call it on a thread that may.
    ///
    /// One shutdown, no flush before it: the SDK's shutdown exports what waits, and its flush has a fixed limit of 5 s.
    /// What either of them answers is no matter; the account knows.
    pub fn finish(&self, limit: Duration) -> Flushed {
        let before = self.ledger.read();
        if let Some(provider) = &self.provider {
            let _ = provider.shutdown_with_timeout(limit);
        }
        let after = self.ledger.read();
        Flushed {
            exported: after.exported - before.exported,
            failed: after.failed.saturating_sub(before.failed),
            pending: after.pending(),
        }
    }

    /// Exports what waits now.
    #[cfg(any(test, feature = "testing"))]
    pub fn flush(&self) {
        if let Some(provider) = &self.provider {
            let _ = provider.force_flush();
        }
    }
}

/// `pending` comes after the processor that puts the request id onto a span: the record of an open span has it too.
fn provider(
    resource: Resource,
    sampling: Sampling,
    processor: impl SpanProcessor + 'static,
    pending: Option<Pending>,
) -> SdkTracerProvider {
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(sampling)
        .with_span_processor(processor);
    match pending {
        Some(pending) => provider.with_span_processor(pending).build(),
        None => provider.build(),
    }
}

/// Bridges `tracing` spans to OpenTelemetry: with the attributes that we set and no others, spans and no events. Its
/// filter is its own, so that a quiet `RUST_LOG` deletes no span.
fn span_layer<S, T>(tracer: T) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(
            filter_fn(|metadata| metadata.is_span() && *metadata.level() <= tracing::Level::INFO)
                .with_max_level_hint(LevelFilter::INFO),
        )
}
