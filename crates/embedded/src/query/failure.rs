//! Why a request has no answer, with the status and the words that Jaeger has for it.

use http::StatusCode;

/// A status and a message; each API wraps them in its own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The request is wrong.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A v3 parameter is wrong.
    pub(super) fn malformed(name: &str, error: &str) -> Self {
        Self::bad_request(format!("malformed parameter {name}: {error}"))
    }
}
