//! What a caller is told when no target answers: RFC 9457 problem details.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use hyper::body::Bytes;
use serde::Serialize;
use trace::{ServiceName, Site};

use super::answer::AnswerBody;
use super::failure::Failure;
use super::target::Target;

/// The body, with extension members for programs.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    detail: String,
    /// The workload that the proxy stands for.
    service: &'a ServiceName,
    /// Where the request was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<Site>,
    /// The address it was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// One word for the cause.
    reason: &'a str,
}

/// Answers a request in place of a target: `order-service@workstation at 127.0.0.1:4242 could not be reached:
/// connection refused`.
pub(super) fn answer(
    service: &ServiceName,
    target: Option<&Target>,
    failure: &Failure,
) -> Response<AnswerBody> {
    let status = failure.status();
    let mut detail = match target {
        Some(target) => format!("{} at {}: {failure}", target.at, target.address),
        None => format!("{service}: {failure}"),
    };
    for cause in failure.causes() {
        detail.push_str(": ");
        detail.push_str(&cause);
    }
    let problem = Problem {
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail,
        service,
        site: target.and_then(|target| target.at.site),
        target: target.map(|target| target.address.to_string()),
        reason: failure.reason(),
    };
    // Plain texts and numbers can always be written as JSON.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(AnswerBody::text(Bytes::from(body)));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
