//! Why a call to another service brought no whole answer, and what the caller's caller is told.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use http::StatusCode;
use reqwest::Url;

use super::Reached;
use crate::problem::Problem;

/// There was no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The time limit passed.
    #[error("{service} did not answer within {limit:?} at {url}: {reached}")]
    Timeout {
        /// Who was called.
        service: &'static str,
        /// What was called.
        url: String,
        /// The limit.
        limit: Duration,
        /// How far the call had come by then.
        reached: Reached,
    },
    /// There was no connection.
    #[error("{service} cannot be reached at {url}")]
    Connect {
        /// Who was called.
        service: &'static str,
        /// What was called.
        url: String,
        /// Whether somebody said no, rather than nobody being there.
        refused: bool,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The connection broke before the answer was whole, or what came was no HTTP.
    #[error("{service} gave no whole answer at {url}")]
    Broken {
        /// Who was called.
        service: &'static str,
        /// What was called.
        url: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer was larger than any answer should be.
    #[error("{service} answered with more than {limit} bytes at {url}")]
    TooLarge {
        /// Who was called.
        service: &'static str,
        /// What was called.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
}

impl CallError {
    pub(super) fn new(
        service: &'static str,
        url: &Url,
        (limit, reached): (Duration, Reached),
        error: reqwest::Error,
    ) -> Self {
        let url = url.to_string();
        if error.is_timeout() {
            return Self::Timeout {
                service,
                url,
                limit,
                reached,
            };
        }
        let (connect, refused) = (
            error.is_connect(),
            io_kind(&error) == Some(ErrorKind::ConnectionRefused),
        );
        // The URL is in our own text already.
        let source = error.without_url().into();
        if connect {
            Self::Connect {
                service,
                url,
                refused,
                source,
            }
        } else {
            Self::Broken { service, url, source }
        }
    }

    /// `error.type` of the semantic conventions: one of few values that stay the same.
    #[must_use]
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "timeout",
            Self::Connect { refused: true, .. } => "connection_refused",
            Self::Connect { refused: false, .. } => "connection_failed",
            Self::Broken { .. } => "broken_response",
            Self::TooLarge { .. } => "response_too_large",
        }
    }

    /// What our own caller is told: 504 when the service was too slow, otherwise 502.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let detail = crate::chain(self);
        match self {
            Self::Timeout { .. } => Problem::new(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream-timeout",
                "A service further on is too slow",
                detail,
            ),
            Self::Connect { .. } => Problem::new(
                StatusCode::BAD_GATEWAY,
                "upstream-unreachable",
                "A service further on cannot be reached",
                detail,
            ),
            Self::Broken { .. } | Self::TooLarge { .. } => Problem::new(
                StatusCode::BAD_GATEWAY,
                "upstream-broken",
                "A service further on gave no proper answer",
                detail,
            ),
        }
    }
}

/// The kind of the I/O error at the bottom, if there is one.
fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}
