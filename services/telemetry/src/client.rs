//! Calls to the next service: each with a client span, a time limit, and a connection of its own.

mod error;
mod progress;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use opentelemetry::trace::Status;
use opentelemetry::{Context, KeyValue};
use reqwest::Url;
use tower::util::MapResponseLayer;
use tracing::{Instrument, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::config::BaseUrl;
use crate::propagation::Propagation;
use crate::semantics::{self, attribute};

pub use error::CallError;
pub use progress::Reached;

use progress::{Progress, System};

/// Largest answer that is read, in bytes. The services answer with some hundred; more is a mistake.
pub const LARGEST_ANSWER: usize = 1 << 20;

/// Makes calls to other services.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    propagation: Arc<Propagation>,
    limit: Duration,
}

/// One other service.
#[derive(Debug, Clone)]
pub struct Upstream {
    name: &'static str,
    base: BaseUrl,
    client: Client,
}

/// Another service's whole answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Client {
    /// A client whose calls take `limit` at most, name resolution, connection and body included.
    ///
    /// # Errors
    /// The HTTP client can't be built.
    pub fn new(propagation: Arc<Propagation>, limit: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            // No idle connection is kept. A connection that was opened before an intercept stays at the pod, and one from
            // during it stays at the workstation: calls over a kept connection would not notice the switch. It is closed from
            // here and the server is not asked to (`Connection: close`): whoever closes first has the connection in TIME-WAIT
            // (RFC 9293, section 3.6). Telepresence's network would drop a SYN from the same port for a minute, and this side,
            // knowing of nothing, might choose it again.
            .pool_max_idle_per_host(0)
            // Calls between services go straight there, whatever HTTP_PROXY says, and a redirect is the caller's to see.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .dns_resolver(System)
            .connector_layer(MapResponseLayer::new(|connection| {
                Progress::connected();
                connection
            }))
            .user_agent(concat!("throughline/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            propagation,
            limit,
        })
    }

    /// A service to call.
    #[must_use]
    pub fn upstream(&self, name: &'static str, base: BaseUrl) -> Upstream {
        Upstream {
            name,
            base,
            client: self.clone(),
        }
    }
}

impl Upstream {
    /// The same service for a caller that says how long it will wait: a call may take that long, and no longer.
    #[must_use]
    pub fn patient(&self, patience: Option<Duration>) -> Self {
        let mut patient = self.clone();
        patient.client.limit = patience.unwrap_or(self.client.limit);
        patient
    }

    /// The service's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// `GET path?query` inside a client span. The path has no parameters, so it also is the span's `url.template`.
    ///
    /// # Errors
    /// There was no whole answer within the limit. An answer with an error status is an answer.
    pub async fn get(&self, path: &'static str, query: &[(&str, &str)]) -> Result<Answer, CallError> {
        self.traced(Method::GET, path, query, None).await
    }

    /// `POST path` with a JSON body inside a client span.
    ///
    /// # Errors
    /// As [`Upstream::get`].
    pub async fn post(&self, path: &'static str, json: Vec<u8>) -> Result<Answer, CallError> {
        self.traced(Method::POST, path, &[], Some(json)).await
    }

    /// `GET path?query` without a span and without trace context, within a limit of its own; the headers are sent as they
    /// are. For questions about the path itself.
    ///
    /// # Errors
    /// As [`Upstream::get`].
    pub async fn ask(
        &self,
        path: &'static str,
        query: &[(&str, &str)],
        headers: HeaderMap,
        limit: Duration,
    ) -> Result<Answer, CallError> {
        self.exchange(
            Method::GET,
            self.url(path, query),
            headers,
            None,
            limit,
            &Span::none(),
        )
        .await
    }

    async fn traced(
        &self,
        method: Method,
        path: &'static str,
        query: &[(&str, &str)],
        json: Option<Vec<u8>>,
    ) -> Result<Answer, CallError> {
        let url = self.url(path, query);
        let name = semantics::span_name(&method, Some(path));
        let span = info_span!("call", otel.name = name, otel.kind = "client");
        for KeyValue { key, value, .. } in attributes(&method, path, &url) {
            span.set_attribute(key, value);
        }
        let exchange = async {
            let mut headers = HeaderMap::new();
            self.client.propagation.inject(&Context::current(), &mut headers);
            self.exchange(method, url, headers, json, self.client.limit, &span)
                .await
        };
        let result = exchange.instrument(span.clone()).await;
        match &result {
            // For a client span 4xx is an error as well: it did not get what it asked for.
            Ok(answer) if answer.status.as_u16() >= 400 => {
                span.set_attribute(attribute::ERROR_TYPE, answer.status.as_u16().to_string());
                span.set_status(Status::error(""));
            }
            Ok(_) => {}
            Err(error) => {
                span.set_attribute(attribute::ERROR_TYPE, error.error_type());
                span.set_status(Status::error(crate::chain(error)));
            }
        }
        result
    }

    /// Sends a request and reads the whole answer; `span` gets what is known as soon as the answer's head is there.
    async fn exchange(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        json: Option<Vec<u8>>,
        limit: Duration,
        span: &Span,
    ) -> Result<Answer, CallError> {
        let (progress, named) = (Progress::default(), url.domain().is_some());
        let tell = |source: reqwest::Error| {
            CallError::new(self.name, &url, (limit, progress.reached(named)), source)
        };
        let mut request = self
            .client
            .http
            .request(method, url.clone())
            .timeout(limit)
            .headers(headers);
        if let Some(json) = json {
            let kind = HeaderValue::from_static("application/json");
            request = request.header(header::CONTENT_TYPE, kind).body(json);
        }
        let mut response = progress.clone().of(request.send()).await.map_err(tell)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        span.set_attribute(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
        if let Some(version) = semantics::protocol_version(response.version()) {
            span.set_attribute(attribute::NETWORK_PROTOCOL_VERSION, version);
        }
        for KeyValue { key, value, .. } in response
            .remote_addr()
            .into_iter()
            .flat_map(semantics::network_peer)
        {
            span.set_attribute(key, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(tell)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_ANSWER {
                return Err(CallError::TooLarge {
                    service: self.name,
                    url: url.into(),
                    limit: LARGEST_ANSWER,
                });
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn url(&self, path: &'static str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.join(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// What is known before the call. The URL has no credentials to hide: [`BaseUrl`] takes none.
fn attributes(method: &Method, template: &'static str, url: &Url) -> Vec<KeyValue> {
    let mut attributes = semantics::method(method);
    attributes.push(KeyValue::new(attribute::URL_FULL, url.as_str().to_owned()));
    attributes.push(KeyValue::new(attribute::URL_TEMPLATE, template));
    if let Some(host) = url.host_str() {
        attributes.push(KeyValue::new(
            attribute::SERVER_ADDRESS,
            host.trim_matches(['[', ']']).to_owned(),
        ));
    }
    if let Some(port) = url.port_or_known_default() {
        attributes.push(KeyValue::new(attribute::SERVER_PORT, i64::from(port)));
    }
    attributes
}
