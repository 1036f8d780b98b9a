//! Errors as callers see them: `application/problem+json` of RFC 9457.

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};

use crate::correlation::Correlation;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem of RFC 9457, with the request id and the faulty fields as extension members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem this is: a relative URI that stays the same from version to version.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words; the same for every occurrence.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// `x-request-id` of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What is wrong with which field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the field, as a URI fragment: `#/quantity`.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    /// A problem with the request id of the request that is being served; `kind` is the last part of the type URI.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            request_id: Correlation::current().map(|correlation| correlation.request_id),
            errors: Vec::new(),
        }
    }

    /// The same problem with what is wrong with which field.
    #[must_use]
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// A query that can't be read.
    #[must_use]
    pub fn bad_query(rejection: &QueryRejection) -> Self {
        Self::new(
            rejection.status(),
            "bad-query",
            "The query cannot be read",
            rejection.body_text(),
        )
    }

    /// A request body that can't be read: too large, or broken off.
    #[must_use]
    pub fn bad_body(rejection: &BytesRejection) -> Self {
        Self::new(
            rejection.status(),
            "bad-body",
            "The body cannot be read",
            rejection.body_text(),
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("texts and numbers always serialise");
        (
            status,
            [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))],
            body,
        )
            .into_response()
    }
}

/// The answer where there is no route.
pub async fn not_found(method: Method, uri: Uri) -> Problem {
    let detail = format!("there is no {method} {}", uri.path());
    Problem::new(
        StatusCode::NOT_FOUND,
        "no-such-route",
        "There is nothing here",
        detail,
    )
}

/// The answer where there is a route, but not for this method.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Not with this method",
        detail,
    )
}
