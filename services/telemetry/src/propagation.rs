//! What travels between services: trace context and baggage by the configured propagators, and the correlation headers
//! that travel whatever happens to the trace context.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::names;

/// `x-request-id` and `x-debug` of the request that is being served. Lives in the OpenTelemetry context, so that every
/// span and every outgoing call below the server span finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlation {
    /// `x-request-id`: the caller's, or generated.
    pub request_id: String,
    /// `x-debug`, when the caller sent it.
    pub debug: Option<HeaderValue>,
}

impl Correlation {
    /// Longest request id that is taken from a caller, in bytes.
    pub const MAX_REQUEST_ID: usize = 128;

    /// Reads the headers of a request. A request id that is missing, not visible ASCII, or longer than
    /// [`Correlation::MAX_REQUEST_ID`] is replaced by a generated one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let request_id = headers
            .get(names::X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| !id.is_empty() && id.len() <= Self::MAX_REQUEST_ID)
            .map_or_else(
                || format!("r-{}", RandomIdGenerator::default().new_span_id()),
                str::to_owned,
            );
        Self {
            request_id,
            debug: headers.get(names::X_DEBUG).cloned(),
        }
    }

    /// The correlation of the request that is being served, if there is one.
    #[must_use]
    pub fn current() -> Option<Self> {
        Context::map_current(|cx| cx.get::<Self>().cloned())
    }

    /// Puts the headers onto an outgoing request.
    pub fn inject(&self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(HeaderName::from_static(names::X_REQUEST_ID), id);
        }
        if let Some(debug) = &self.debug {
            headers.insert(HeaderName::from_static(names::X_DEBUG), debug.clone());
        }
    }
}

/// The configured propagators, and the fault that leaves the trace context behind.
#[derive(Debug)]
pub struct Propagation {
    trace_context: Option<TraceContextPropagator>,
    baggage: Option<BaggagePropagator>,
    drop_trace_context: bool,
}

impl Propagation {
    /// W3C Trace Context and W3C Baggage.
    #[must_use]
    pub fn w3c() -> Self {
        Self {
            trace_context: Some(TraceContextPropagator::new()),
            baggage: Some(BaggagePropagator::new()),
            drop_trace_context: false,
        }
    }

    /// Leaves traceparent and tracestate off outgoing calls.
    #[must_use]
    pub fn dropping_trace_context(self) -> Self {
        Self {
            drop_trace_context: true,
            ..self
        }
    }

    /// The context that a request arrived with, and its correlation.
    #[must_use]
    pub fn extract(&self, headers: &HeaderMap) -> Context {
        let carrier = HeaderExtractor(headers);
        let mut cx = Context::new();
        if let Some(propagator) = &self.trace_context {
            cx = propagator.extract_with_context(&cx, &carrier);
        }
        if let Some(propagator) = &self.baggage {
            cx = propagator.extract_with_context(&cx, &carrier);
        }
        cx.with_value(Correlation::from_headers(headers))
    }

    /// Puts a context and its correlation onto an outgoing request.
    pub fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        if let Some(propagator) = self.trace_context.as_ref().filter(|_| !self.drop_trace_context) {
            propagator.inject_context(cx, &mut HeaderInjector(headers));
        }
        if let Some(propagator) = &self.baggage {
            propagator.inject_context(cx, &mut HeaderInjector(headers));
        }
        if let Some(correlation) = cx.get::<Correlation>() {
            correlation.inject(headers);
        }
    }
}
