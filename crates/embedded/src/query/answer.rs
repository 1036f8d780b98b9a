//! Answers in Jaeger's forms.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use jaeger_api::wire::json::{Spelling, to_vec};
use jaeger_api::wire::{legacy, v3};
use serde::Serialize;

use super::failure::Failure;

/// A status, a content type and a body.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// Where a server of Jaeger's names its own span. It is empty when the server records none of itself.
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

impl Answer {
    /// The legacy API's form of a success or a failure.
    pub(super) fn legacy<T: Serialize>(result: Result<T, Failure>, pretty: bool) -> Self {
        let spelling = if pretty {
            Spelling::LegacyPretty
        } else {
            Spelling::Legacy
        };
        match result.and_then(|value| json(&value, spelling)) {
            Ok(body) => Self {
                status: StatusCode::OK,
                content_type: JSON,
                body,
            },
            Err(Failure { status, message }) => {
                let envelope = legacy::Envelope::<()>::failed(status.as_u16(), message);
                Self::failed(status, to_vec(&envelope, Spelling::Legacy))
            }
        }
    }

    /// v3's form of a success or a failure.
    pub(super) fn v3<T: Serialize>(result: Result<T, Failure>) -> Self {
        match result.and_then(|value| json(&value, Spelling::V3)) {
            Ok(body) => Self {
                status: StatusCode::OK,
                content_type: JSON,
                body,
            },
            Err(Failure { status, message }) => Self::failed(
                status,
                to_vec(&v3::Failure::new(status.as_u16(), message), Spelling::Legacy),
            ),
        }
    }

    /// The answer to a path that does not exist.
    pub(super) fn nothing() -> Self {
        Self::failed(StatusCode::NOT_FOUND, Ok(b"404 page not found".to_vec()))
    }

    /// A web page.
    pub(super) const fn page(html: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: HTML,
            body: html.into_bytes(),
        }
    }

    /// Errors are declared as plain text, JSON or not, and end with a line break.
    fn failed(status: StatusCode, body: serde_json::Result<Vec<u8>>) -> Self {
        let mut body = body.unwrap_or_else(|error| error.to_string().into_bytes());
        body.push(b'\n');
        Self {
            status,
            content_type: TEXT,
            body,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(TRACE_RESPONSE, HeaderValue::from_static(""));
        if self.content_type == TEXT {
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        response
    }
}

fn json<T: Serialize>(value: &T, spelling: Spelling) -> Result<Vec<u8>, Failure> {
    to_vec(value, spelling)
        .map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
