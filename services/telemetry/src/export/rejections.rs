//! Hears of partial success: spans that the receiver refused in an otherwise successful answer.
//!
//! The SDK's exporter answers `Ok` to a partial success and only writes a log event about it (OTLP 1.11, "Partial
//! Success", asks for no more). The event is written on the exporting thread before `export` returns, so a layer that
//! listens for it knows the figure in time for the account.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

/// What was refused since it was last asked: how many spans, and the receiver's words.
#[derive(Debug, Clone, Default)]
pub struct Rejections(Arc<Mutex<Option<(u64, String)>>>);

impl Rejections {
    /// What was refused since the last call.
    #[must_use]
    pub fn take(&self) -> Option<(u64, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The layer that listens. Export is serial, so what it hears belongs to the export that is under way.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        let only_the_exporter = Targets::new().with_target("opentelemetry-otlp", LevelFilter::WARN);
        Listener(self.clone()).with_filter(only_the_exporter)
    }
}

struct Listener(Rejections);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
        if !event.metadata().name().ends_with(".PartialSuccess") {
            return;
        }
        let mut found = Found::default();
        event.record(&mut found);
        // Zero refused spans with a message is a warning (OTLP 1.11): the spans were accepted.
        if let Some(spans @ 1..) = found.spans {
            let reason = match found.message.as_deref() {
                None | Some("") => "the receiver refused spans without a reason".to_owned(),
                Some(message) => format!("refused by the receiver: {message}"),
            };
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((spans, reason));
        }
    }
}

#[derive(Default)]
struct Found {
    spans: Option<u64>,
    message: Option<String>,
}

impl Visit for Found {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "rejected_spans" {
            self.spans = u64::try_from(value).ok();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "error_message" {
            self.message = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}
