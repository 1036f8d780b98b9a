//! Why a request did not get its answer from a target.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use http::StatusCode;

/// Why a request did not get its answer from a target.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The workload has no pod, as far as the proxy was told.
    #[error("no pod is known yet")]
    NoPod,
    /// No connection.
    #[error("could not be reached")]
    Connect(#[source] io::Error),
    /// No connection in time.
    #[error("could not be reached within {0:?}")]
    ConnectLimit(Duration),
    /// The connection broke off, or carried something that is not HTTP.
    #[error("broke off before it answered")]
    Exchange(#[source] hyper::Error),
    /// No answer in time.
    #[error("did not answer within {0:?}")]
    AnswerLimit(Duration),
    /// 101 for a request that did not ask for it.
    #[error("switched protocols without being asked")]
    UnaskedSwitch,
    /// The caller's own body broke off.
    #[error("the request's body broke off")]
    Caller(#[source] hyper::Error),
    /// The body is larger than a replay may keep.
    #[error("the request's body has more than the {0} bytes that a replay keeps")]
    TooLargeToReplay(usize),
    /// `CONNECT`, which asks for a tunnel to anywhere.
    #[error("CONNECT is for proxies that the caller has chosen, not for a service")]
    Connects,
}

impl Failure {
    /// Sorts out an error of hyper's client: the caller's body fails through it too.
    pub(super) fn exchange(error: hyper::Error) -> Self {
        if error.is_user() {
            Self::Caller(error)
        } else {
            Self::Exchange(error)
        }
    }

    /// The status that says it (RFC 9110, section 15).
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoPod => StatusCode::SERVICE_UNAVAILABLE,
            Self::Connect(_) | Self::Exchange(_) | Self::UnaskedSwitch => StatusCode::BAD_GATEWAY,
            Self::ConnectLimit(_) | Self::AnswerLimit(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Caller(_) => StatusCode::BAD_REQUEST,
            Self::TooLargeToReplay(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Connects => StatusCode::NOT_IMPLEMENTED,
        }
    }

    /// One word for programs.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::NoPod => "no-pod",
            Self::Connect(error) => match error.kind() {
                ErrorKind::ConnectionRefused => "refused",
                _ => "unreachable",
            },
            Self::Exchange(error) => match io_cause(error).map(io::Error::kind) {
                Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => "reset",
                _ if error.is_parse_too_large() => "too-large",
                _ if error.is_parse() => "not-http",
                _ if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => "closed",
                _ => "protocol",
            },
            Self::ConnectLimit(_) | Self::AnswerLimit(_) => "time-limit",
            Self::UnaskedSwitch => "protocol",
            Self::Caller(_) => "caller",
            Self::TooLargeToReplay(_) => "replay-limit",
            Self::Connects => "connect-method",
        }
    }

    /// The causes below this one, the nearest first, each said once.
    pub(super) fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            let text = cause.downcast_ref().map_or_else(|| cause.to_string(), io_text);
            if !causes.iter().any(|earlier| earlier.contains(&text)) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref() {
            return Some(io);
        }
        next = cause.source();
    }
    None
}

/// The system's words in lower case and without the error number, as our own messages are.
fn io_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    }
}
