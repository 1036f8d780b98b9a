//! Server spans, following the HTTP semantic conventions.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use opentelemetry::trace::Status;
use tracing::{Instrument, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::names;
use crate::propagation::{Correlation, Propagation};

/// Middleware that opens a server span around a request, as a child of the context that it carries.
pub async fn trace(State(propagation): State<Arc<Propagation>>, request: Request, next: Next) -> Response {
    let cx = propagation.extract(request.headers());
    let request_id = cx
        .get::<Correlation>()
        .map(|correlation| correlation.request_id.clone());
    let method = request.method().as_str().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let name = route
        .as_ref()
        .map_or_else(|| method.clone(), |route| format!("{method} {route}"));
    let span =
        info_span!(parent: None, "request", otel.name = name, otel.kind = "server", trace_id = field::Empty);
    // Fails only without the OpenTelemetry layer, and then there is nobody to tell.
    let _ = span.set_parent(cx);
    span.set_attribute("http.request.method", method);
    span.set_attribute("url.path", request.uri().path().to_owned());
    span.set_attribute("url.scheme", "http");
    if let Some(route) = route {
        span.set_attribute("http.route", route);
    }
    let handled = async move {
        let response = next.run(request).await;
        let status = response.status();
        let span = tracing::Span::current();
        span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.set_attribute("error.type", status.as_u16().to_string());
            span.set_status(Status::error(""));
        }
        response
    };
    let mut response = handled.instrument(span).await;
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(names::X_REQUEST_ID), id);
    }
    response
}
