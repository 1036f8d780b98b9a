//! What can go wrong between the client and Jaeger. Facts are fields; the action is the hint.

use std::time::Duration;

use crate::convert::UnusableSpan;

/// Why Jaeger could not be asked, or its answer not used.
#[derive(Debug, thiserror::Error)]
pub enum JaegerError {
    /// The base URL can't be used.
    #[error("unusable Jaeger URL {url:?}: {reason}")]
    BaseUrl {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection: refused, no route, name not found, or not within the limit.
    #[error("no connection to Jaeger at {url}: {reason}")]
    Connect {
        /// What was asked for.
        url: String,
        /// The innermost cause.
        reason: String,
        /// As the HTTP client saw it.
        #[source]
        source: reqwest::Error,
    },
    /// Connected, and no answer, or no more of it, within the [`ClientLimits`](super::limits::ClientLimits).
    #[error("{url} did not answer in time: given up after {waited:?}")]
    TimedOut {
        /// What was asked for.
        url: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection broke during the exchange.
    #[error("the connection broke while {url} was answering: {reason}")]
    Broken {
        /// What was asked for.
        url: String,
        /// The innermost cause.
        reason: String,
        /// As the HTTP client saw it.
        #[source]
        source: reqwest::Error,
    },
    /// A page instead of data: Jaeger's UI answers every path it does not know with its start page.
    #[error("{url} answered {status} with a web page ({title}) instead of JSON")]
    WebPage {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The page's title, or how it begins.
        title: String,
    },
    /// The server does not know this path.
    #[error("{url} does not exist there: {message}")]
    NoSuchEndpoint {
        /// What was asked for.
        url: String,
        /// The answer's text.
        message: String,
    },
    /// The server refuses or fails.
    #[error("{url} answered {status}: {message}")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Jaeger's message, or how the body begins.
        message: String,
    },
    /// The answer is not the JSON that it should be.
    #[error("unreadable answer from {url}, line {line} column {column} ({near}): {source}")]
    Malformed {
        /// What was asked for.
        url: String,
        /// Line in the body, from 1.
        line: usize,
        /// Column in that line, from 1; 0 when the fault is the value as a whole.
        column: usize,
        /// The text around that place.
        near: String,
        /// What the reader says.
        #[source]
        source: serde_json::Error,
    },
    /// The answer is well-formed, and holds something that can't be.
    #[error("unusable answer from {url}")]
    Unusable {
        /// What was asked for.
        url: String,
        /// Which part of it.
        #[source]
        source: Box<UnusableSpan>,
    },
    /// A time that no calendar has.
    #[error("{nanoseconds} ns since 1970 is no time that can be asked for")]
    Window {
        /// The time that was given.
        nanoseconds: u64,
    },
    /// The answer is larger than the client accepts.
    #[error("the answer from {url} is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// This version of Jaeger can't do it.
    #[error("{what} is not offered by the Jaeger at {url} (it came with Jaeger {since})")]
    Unsupported {
        /// The server's base URL.
        url: String,
        /// What was wanted.
        what: &'static str,
        /// The first version that has it.
        since: &'static str,
    },
}

impl JaegerError {
    /// Whether nothing answers at the address: while an environment is coming up, that means "not yet".
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }

    /// Whether asking again may help without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::TimedOut { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// One action for the user; `None` when nothing better than the facts is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BaseUrl { .. } => Some("use the URL under which Jaeger's UI opens, for example `http://127.0.0.1:16686`".to_owned()),
            Self::WebPage { .. } | Self::NoSuchEndpoint { .. } => Some(
                "this looks like a wrong base path, a login page, or a proxy: use the URL under which Jaeger's UI opens, base path included, without `/search` or `/api`"
                    .to_owned(),
            ),
            Self::Connect { .. } => Some("check that Jaeger runs and that its query port (16686) is reachable from here".to_owned()),
            Self::Unsupported { since, .. } => Some(format!("use Jaeger {since} or later")),
            _ => None,
        }
    }
}
