//! OTLP/gRPC: the one call `TraceService/Export`, a single message each way.
//!
//! The framing is spelt out here, with tonic for statuses only: OTLP wants RESOURCE_EXHAUSTED for a message that is
//! too large, where tonic answers OUT_OF_RANGE, which a client must retry; and memory is bounded over all requests,
//! decompressed ones included.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::{Body, Bytes};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::{Code, Status};

use super::answer::{Answer, plain};
use super::failure::{BoxError, Failure};
use super::ingest::{Format, Ingest};

/// The path of the call.
pub(super) const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Before every message: whether it is compressed, and its length.
const PREFIX: usize = 5;

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Whether a request is gRPC with protobuf messages, whatever it calls.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let rest = kind
        .strip_prefix(b"application/grpc")
        .map(|rest| rest.strip_prefix(b"+proto").unwrap_or(rest));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b';')))
}

/// The answer to a call that the receiver does not have.
pub(super) fn unknown(path: &str) -> Response<Answer> {
    Status::unimplemented(format!("unknown call {path}")).into_http()
}

pub(super) async fn export<B>(ingest: &Arc<Ingest>, request: Request<B>) -> Response<Answer>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    if request.method() != Method::POST || !is_grpc(request.headers()) {
        return plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "415 not a gRPC request".to_owned(),
        );
    }
    match ingest.count(store(ingest, request).await) {
        Ok(stored) => success(&stored),
        Err(failure) => refusal(&failure),
    }
}

async fn store<B>(ingest: &Arc<Ingest>, request: Request<B>) -> Result<ExportTraceServiceResponse, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let encoding = request
        .headers()
        .get(ENCODING)
        .map_or(&b"identity"[..], HeaderValue::as_bytes);
    let gzip = match encoding {
        b"identity" => false,
        b"gzip" => true,
        _ => {
            return Err(Failure::Compression {
                encoding: String::from_utf8_lossy(encoding).into_owned(),
            });
        }
    };
    let (mut message, share) = ingest.read(request.into_body(), PREFIX, announced).await?;
    let whole = announced(&message).ok_or(Failure::Framing("the call has no whole message"))?;
    if message.len() < whole {
        return Err(Failure::Framing("the message is cut short"));
    }
    if message.len() > whole {
        return Err(Failure::Framing("the call has more than one message"));
    }
    let compressed = match message[0] {
        0 => false,
        1 if gzip => true,
        1 => {
            return Err(Failure::Framing(
                "the message is compressed, but the call does not say how",
            ));
        }
        _ => {
            return Err(Failure::Framing(
                "the message's compression flag is neither 0 nor 1",
            ));
        }
    };
    ingest
        .export(message.split_off(PREFIX), compressed, Format::Protobuf, share)
        .await
}

/// Length of a message and its prefix, as the prefix has it.
fn announced(bytes: &[u8]) -> Option<usize> {
    let (prefix, _) = bytes.split_first_chunk::<PREFIX>()?;
    let [_, length @ ..] = prefix;
    Some(PREFIX + u32::from_be_bytes(*length) as usize)
}

fn success(stored: &ExportTraceServiceResponse) -> Response<Answer> {
    let length = stored.encoded_len();
    let mut message = Vec::with_capacity(PREFIX + length);
    message.push(0);
    // The answer is a few short lines, however long the request was.
    message.extend_from_slice(&(length as u32).to_be_bytes());
    message.extend_from_slice(&stored.encode_to_vec());
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    let mut answer = Response::new(Answer::with_trailers(message, trailers));
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    answer
}

fn refusal(failure: &Failure) -> Response<Answer> {
    let status = match failure {
        // What gRPC itself has a rule for.
        Failure::Compression { .. } => Status::new(Code::Unimplemented, failure.message()),
        _ if failure.retry_after().is_some() => {
            Status::with_details(failure.code(), failure.message(), failure.to_protobuf().into())
        }
        _ => Status::new(failure.code(), failure.message()),
    };
    let mut answer = status.into_http();
    answer
        .headers_mut()
        .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip"));
    answer
}
