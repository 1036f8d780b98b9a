//! Why an export is refused, and how that is said in each protocol.

use std::time::Duration;

use http::StatusCode;
use prost::encoding::{WireType, encode_key, encode_varint};
use tonic::Code;

use crate::store::Malformed;
use crate::store::wire::put;

/// Whatever a body can break with.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an export is refused. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The protobuf is damaged.
    #[error("the request is not an OTLP trace export in protobuf")]
    Protobuf(#[from] Malformed),
    /// The JSON is damaged or not OTLP.
    #[error("the request is not an OTLP trace export in JSON")]
    Json(#[from] serde_json::Error),
    /// A compression that the receiver does not have.
    #[error("compression {encoding:?} is not supported, supported: gzip")]
    Compression {
        /// The name that the sender gave.
        encoding: String,
    },
    /// Damaged gzip.
    #[error("the request can't be decompressed")]
    Gzip(#[source] std::io::Error),
    /// Larger than the limit.
    #[error("the request is larger than {limit} bytes{}", if *decompressed { " when decompressed" } else { "" })]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// Whether it fit before it was decompressed.
        decompressed: bool,
    },
    /// The requests that are being received take all the memory that they may.
    #[error("requests of {limit} bytes are being received already, try again")]
    Overloaded {
        /// The limit for all of them, in bytes.
        limit: usize,
    },
    /// The receiver was told to refuse.
    #[error("the receiver refuses exports at the moment")]
    Told,
    /// The request stopped arriving.
    #[error("the request did not arrive within {limit:?}")]
    Slow {
        /// How long it may take.
        limit: Duration,
    },
    /// The sender went away in the middle.
    #[error("the request ended before its end")]
    Interrupted(#[source] BoxError),
    /// Not one whole gRPC message.
    #[error("{0}")]
    Framing(&'static str),
}

impl Failure {
    /// How long to wait before the next attempt; `None` when another attempt is pointless.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { .. } | Self::Told => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The status code of OTLP/gRPC; also in the body that OTLP/HTTP answers with.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Protobuf(_) | Self::Json(_) | Self::Compression { .. } | Self::Gzip(_) => {
                Code::InvalidArgument
            }
            Self::TooLarge { .. } => Code::ResourceExhausted,
            Self::Overloaded { .. } | Self::Told => Code::Unavailable,
            Self::Slow { .. } => Code::DeadlineExceeded,
            Self::Interrupted(_) => Code::Cancelled,
            Self::Framing(_) => Code::Internal,
        }
    }

    /// The status of OTLP/HTTP.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Overloaded { .. } | Self::Told => StatusCode::SERVICE_UNAVAILABLE,
            Self::Slow { .. } => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The whole reason in one line.
    pub(super) fn message(&self) -> String {
        let mut message = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        message
    }

    /// A `google.rpc.Status` in protobuf, with a `RetryInfo` where there is a time to wait.
    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        let mut status = Vec::new();
        put_number(1, self.code() as u64, &mut status);
        put(2, self.message().as_bytes(), &mut status);
        if let Some(wait) = self.retry_after() {
            let (mut duration, mut retry_info, mut any) = (Vec::new(), Vec::new(), Vec::new());
            put_number(1, wait.as_secs(), &mut duration);
            put(1, &duration, &mut retry_info);
            put(1, b"type.googleapis.com/google.rpc.RetryInfo", &mut any);
            put(2, &retry_info, &mut any);
            put(3, &any, &mut status);
        }
        status
    }

    /// A `google.rpc.Status` in JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut status = serde_json::json!({ "code": self.code() as i32, "message": self.message() });
        if let Some(wait) = self.retry_after() {
            let delay = format!("{}s", wait.as_secs());
            status["details"] = serde_json::json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay }]);
        }
        status.to_string().into_bytes()
    }
}

fn put_number(number: u32, value: u64, message: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, message);
    encode_varint(value, message);
}
