//! Server spans: one for each request to a business route, as a child of the context that came with the request.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{StatusCode, header};
use opentelemetry::trace::Status;
use opentelemetry::{Context, KeyValue};
use tracing::{Instrument, Span, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::correlation::Correlation;
use crate::problem::Problem;
use crate::propagation::Propagation;
use crate::semantics::{self, Original, attribute};

/// Middleware that opens a server span around a request and sends the request id back.
///
/// Belongs on the outside of the router (`Router::layer`), so that requests without a route get a span too.
pub async fn trace(State(propagation): State<Arc<Propagation>>, request: Request, next: Next) -> Response {
    let cx = propagation.extract(request.headers());
    let correlation = cx.get::<Correlation>().cloned();
    let span = open(&request, cx);
    let mut response = handle(request, next).instrument(span).await;
    if let Some(correlation) = correlation {
        Correlation {
            debug: None,
            ..correlation
        }
        .inject(response.headers_mut());
    }
    response
}

/// The span with everything that is known before the handler runs; samplers see these attributes.
fn open(request: &Request, cx: Context) -> Span {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let name = semantics::span_name(request.method(), route.as_deref());
    // No tracing parent: the parent is the one in the headers.
    let span = info_span!(parent: None, "request", otel.name = name, otel.kind = "server");
    // An error means that this span is filtered out or that spans are not recorded at all: nothing is lost then.
    let _ = span.set_parent(cx);
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| *peer);
    for KeyValue { key, value, .. } in attributes(request, route, peer) {
        span.set_attribute(key, value);
    }
    span
}

fn attributes(request: &Request, route: Option<String>, peer: Option<SocketAddr>) -> Vec<KeyValue> {
    let uri = request.uri();
    let original = Original::of(request.headers(), uri, peer);
    let mut attributes = semantics::method(request.method());
    attributes.push(KeyValue::new(attribute::URL_PATH, uri.path().to_owned()));
    attributes.push(KeyValue::new(attribute::URL_SCHEME, original.scheme));
    if let Some(query) = uri.query() {
        attributes.push(KeyValue::new(attribute::URL_QUERY, query.to_owned()));
    }
    if let Some(route) = route {
        attributes.push(KeyValue::new(attribute::HTTP_ROUTE, route));
    }
    if let Some((address, port)) = original.server {
        attributes.push(KeyValue::new(attribute::SERVER_ADDRESS, address));
        attributes.push(KeyValue::new(attribute::SERVER_PORT, i64::from(port)));
    }
    if let Some(client) = original.client {
        attributes.push(KeyValue::new(attribute::CLIENT_ADDRESS, client));
    }
    if let Some(peer) = peer {
        attributes.extend(semantics::network_peer(peer));
    }
    if let Some(version) = semantics::protocol_version(request.version()) {
        attributes.push(KeyValue::new(attribute::NETWORK_PROTOCOL_VERSION, version));
    }
    if let Some(agent) = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
    {
        attributes.push(KeyValue::new(attribute::USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    attributes
}

/// Runs the handler inside the span and notes what came of it.
async fn handle(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let begun = Instant::now();
    let span = Span::current();
    // Without this, a panic would end the connection, and the span as if nothing had happened.
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = match handled {
        Ok(response) => {
            let status = response.status();
            // A 4xx is the caller's mistake: the conventions leave the status of a server span unset then. The
            // description stays empty where the status code says it all.
            if status.is_server_error() {
                span.set_attribute(attribute::ERROR_TYPE, status.as_u16().to_string());
                span.set_status(Status::error(""));
            }
            response
        }
        Err(_) => {
            span.set_attribute(attribute::ERROR_TYPE, "panic");
            span.set_status(Status::error("the handler panicked"));
            let detail = "the request could not be handled; the service's log says why";
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "A mistake of ours",
                detail,
            )
            .into_response()
        }
    };
    let status = response.status().as_u16();
    span.set_attribute(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status));
    let millis = begun.elapsed().as_micros() as f64 / 1000.0;
    info!("{method} {path} {status} {millis:.1} ms");
    response
}
