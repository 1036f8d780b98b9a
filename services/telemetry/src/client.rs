//! Calls to the next service, each with a client span, a time limit, and a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use opentelemetry::Context;
use opentelemetry::trace::Status;
use tracing::{Instrument, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::propagation::Propagation;

/// A call to the next service.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Method.
    pub method: Method,
    /// Base URL of the service, without a path.
    pub base: &'a str,
    /// Path without parameters; it names the span.
    pub path: &'static str,
    /// Query parameters, not yet encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// JSON body.
    pub json: Option<Vec<u8>>,
}

/// The next service's answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// There was no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The time limit passed.
    #[error("{url} did not answer within {limit:?}")]
    Timeout {
        /// What was called.
        url: String,
        /// The limit.
        limit: Duration,
    },
    /// No connection.
    #[error("cannot connect to {url}")]
    Connect {
        /// What was called.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The connection broke, or what came was not HTTP.
    #[error("no whole answer from {url}")]
    Broken {
        /// What was called.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
}

impl CallError {
    /// `error.type` of the semantic conventions: few values, stable.
    #[must_use]
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "timeout",
            Self::Connect { .. } => "connect",
            Self::Broken { .. } => "broken_response",
        }
    }
}

/// An HTTP client for calls between services.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    propagation: Arc<Propagation>,
    limit: Duration,
}

impl Client {
    /// A client whose calls take `limit` at most, connection and body included.
    ///
    /// # Errors
    /// The HTTP client can't be built.
    pub fn new(propagation: Arc<Propagation>, limit: Duration) -> Result<Self, reqwest::Error> {
        // No idle connection is kept: one that was opened before an intercept stays at the pod, and calls over it would
        // not notice the switch.
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()?;
        Ok(Self {
            http,
            propagation,
            limit,
        })
    }

    /// Calls the next service inside a client span.
    ///
    /// # Errors
    /// There was no whole answer within the limit. An answer with an error status is an answer.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let name = format!("{} {}", call.method, call.path);
        let span = info_span!("call", otel.name = name, otel.kind = "client");
        span.set_attribute("http.request.method", call.method.as_str().to_owned());
        span.set_attribute("url.template", call.path);
        let answer = self.exchange(call, true).instrument(span.clone()).await;
        match &answer {
            Ok(answer) => {
                span.set_attribute("http.response.status_code", i64::from(answer.status.as_u16()));
                if answer.status.as_u16() >= 400 {
                    span.set_attribute("error.type", answer.status.as_u16().to_string());
                    span.set_status(Status::error(""));
                }
            }
            Err(error) => {
                span.set_attribute("error.type", error.error_type());
                span.set_status(Status::error(error.to_string()));
            }
        }
        answer
    }

    /// Calls the next service without a span and without trace context; `headers` are copied as they are.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_untraced(&self, call: Call<'_>, headers: HeaderMap) -> Result<Answer, CallError> {
        self.dispatch(call, headers).await
    }

    async fn exchange(&self, call: Call<'_>, traced: bool) -> Result<Answer, CallError> {
        let mut headers = HeaderMap::new();
        if traced {
            self.propagation.inject(&Context::current(), &mut headers);
        }
        self.dispatch(call, headers).await
    }

    async fn dispatch(&self, call: Call<'_>, headers: HeaderMap) -> Result<Answer, CallError> {
        let url = format!("{}{}", call.base.trim_end_matches('/'), call.path);
        let mut request = self
            .http
            .request(call.method, &url)
            .timeout(self.limit)
            .headers(headers)
            .header(header::CONNECTION, HeaderValue::from_static("close"));
        if !call.query.is_empty() {
            request = request.query(call.query);
        }
        if let Some(json) = call.json {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(json);
        }
        let tell = |source: reqwest::Error| {
            let url = url.clone();
            if source.is_timeout() {
                CallError::Timeout {
                    url,
                    limit: self.limit,
                }
            } else if source.is_connect() {
                CallError::Connect { url, source }
            } else {
                CallError::Broken { url, source }
            }
        };
        let mut response = request.send().await.map_err(tell)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let body = response.bytes().await.map_err(tell)?.to_vec();
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}
