//! Logs on stderr, filtered apart from spans, so that a quiet `RUST_LOG` deletes no span.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, trace::Tracer};
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// The scope that spans are recorded under.
#[must_use]
pub fn tracer(provider: &SdkTracerProvider) -> opentelemetry_sdk::trace::SdkTracer {
    let scope = InstrumentationScope::builder("throughline")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    provider.tracer_with_scope(scope)
}

/// Bridges `tracing` spans to OpenTelemetry: our own attributes and nothing else, spans and no events.
pub fn span_layer<S, T>(tracer: T) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
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

/// The subscriber of a service process.
pub fn subscriber(provider: &SdkTracerProvider, filter: Targets) -> impl tracing::Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(filter);
    Registry::default().with(span_layer(tracer(provider))).with(lines)
}

/// The log filter of `RUST_LOG`; the exporter's own chatter stays off unless it is named.
#[must_use]
pub fn filter(rust_log: Option<&str>) -> Targets {
    let quiet = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("opentelemetry", LevelFilter::OFF);
    match rust_log.and_then(|text| text.parse::<Targets>().ok()) {
        None => quiet,
        Some(asked) => {
            let default = asked.default_level().unwrap_or(LevelFilter::OFF);
            quiet.with_default(default).with_targets(asked)
        }
    }
}
