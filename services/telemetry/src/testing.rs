//! For the tests of services: spans kept in memory, a subscriber for the current thread, a ready-made kit.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Key, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SimpleSpanProcessor, SpanData, SpanExporter};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::account::Ledger;
use crate::config::BaseUrl;
use crate::export::{Accounted, Accounting, Rejections};
use crate::propagation::Propagation;
use crate::resource::{self, Defaults};
use crate::serve::{Kit, Routes, app};
use crate::tracer::Telemetry;

/// A service's surroundings. Spans of the current thread land in it, also those of servers that run on a
/// single-threaded runtime; it ends with its guard.
#[derive(Debug)]
pub struct Bench {
    /// For making routes.
    pub kit: Kit,
    spans: Kept,
    _subscriber: tracing::subscriber::DefaultGuard,
}

impl Bench {
    /// A bench with W3C propagation and a time limit for calls that a busy machine does not reach.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Propagation::new(true, true), Duration::from_secs(30))
    }

    /// A bench with these settings.
    #[must_use]
    pub fn with(propagation: Propagation, upstream_timeout: Duration) -> Self {
        let spans = Kept::default();
        let ledger = Arc::new(Ledger::new("memory"));
        let exporter = Accounted::new(
            spans.clone(),
            Arc::clone(&ledger),
            "memory",
            Rejections::default(),
        );
        let processor = Accounting::new(SimpleSpanProcessor::new(exporter), Arc::clone(&ledger), 1024);
        let telemetry = Telemetry::assemble(some_resource(), ledger, propagation, processor);
        let subscriber = tracing::subscriber::set_default(telemetry.subscriber());
        let kit =
            Kit::new(Arc::new(telemetry), upstream_timeout).expect("a client without TLS needs nothing");
        Self {
            kit,
            spans,
            _subscriber: subscriber,
        }
    }

    /// The whole application around some routes, ready for `tower::ServiceExt::oneshot`.
    pub fn app(&self, routes: Routes) -> Router {
        app(&self.kit.telemetry, routes, watch::channel(false).1)
    }

    /// The whole application on a free loopback port, for calls between services.
    pub async fn serve(&self, routes: Routes) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound listener has an address");
        let app = self
            .app(routes)
            .into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Server {
            base: format!("http://{address}")
                .parse()
                .expect("an address makes a URL"),
            task,
        }
    }

    /// All spans that have ended, in the order of their end.
    #[must_use]
    pub fn spans(&self) -> Vec<SpanData> {
        self.spans.all()
    }

    /// The one span of this kind and name.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    pub fn span(&self, kind: &SpanKind, name: &str) -> SpanData {
        let mut found: Vec<SpanData> = self
            .spans()
            .into_iter()
            .filter(|span| span.span_kind == *kind && span.name == name)
            .collect();
        let seen: Vec<String> = self
            .spans()
            .iter()
            .map(|span| format!("{:?} {}", span.span_kind, span.name))
            .collect();
        assert_eq!(found.len(), 1, "{kind:?} {name:?} among {seen:?}");
        found.remove(0)
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

/// A server that ends with its handle.
#[derive(Debug)]
pub struct Server {
    /// Where it answers.
    pub base: BaseUrl,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A base URL where nobody listens: the port was free a moment ago and is below the range that the system hands out.
#[must_use]
pub fn nobody() -> BaseUrl {
    "http://127.0.0.1:1".parse().expect("a URL")
}

/// An attribute of a span.
#[must_use]
pub fn attribute(span: &SpanData, key: &'static str) -> Option<Value> {
    let key = Key::new(key);
    let mut values = span.attributes.iter().filter(|attribute| attribute.key == key);
    let first = values.next().map(|attribute| attribute.value.clone());
    assert!(
        values.next().is_none(),
        "{key} is there more than once: {:?}",
        span.attributes
    );
    first
}

/// All attributes of a span, sorted by name.
#[must_use]
pub fn attributes(span: &SpanData) -> Vec<(&str, Value)> {
    let mut attributes: Vec<_> = span
        .attributes
        .iter()
        .map(|attribute| (attribute.key.as_str(), attribute.value.clone()))
        .collect();
    attributes.sort_by(|one, other| one.0.cmp(other.0));
    attributes
}

/// An attribute of a span as text.
#[must_use]
pub fn text(span: &SpanData, key: &'static str) -> Option<String> {
    attribute(span, key).map(|value| value.as_str().into_owned())
}

/// The description of an error status; `None` when the status is no error.
#[must_use]
pub fn error_of(span: &SpanData) -> Option<String> {
    match &span.status {
        Status::Error { description } => Some(description.clone().into_owned()),
        _ => None,
    }
}

/// Whether `child` is the child of `parent`, in the same trace.
#[must_use]
pub fn is_child(child: &SpanData, parent: &SpanData) -> bool {
    child.parent_span_id == parent.span_context.span_id()
        && child.parent_span_id != SpanId::INVALID
        && child.span_context.trace_id() == parent.span_context.trace_id()
}

/// A resource like that of a real process.
#[must_use]
pub fn some_resource() -> Resource {
    let defaults = Defaults {
        name: "bench",
        version: "0.0.0",
        instance_id: "i-1",
        site: None,
        pid: std::process::id(),
    };
    resource::resource(defaults, &|_| None, &mut Vec::new())
}

/// An exporter that keeps spans, and can be told to fail.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    spans: Vec<SpanData>,
    error: Option<String>,
}

impl Kept {
    /// All spans that were exported.
    #[must_use]
    pub fn all(&self) -> Vec<SpanData> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spans
            .clone()
    }

    /// From now on every export fails with this error, or none with `None`.
    pub fn fail_with(&self, error: Option<&str>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).error = error.map(str::to_owned);
    }
}

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.error {
            Some(error) => Err(OTelSdkError::InternalFailure(error.clone())),
            None => {
                state.spans.extend(batch);
                Ok(())
            }
        }
    }
}
