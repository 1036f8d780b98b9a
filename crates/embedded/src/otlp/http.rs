//! OTLP/HTTP: `POST /v1/traces`, protobuf or JSON, answered in the request's own format.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::{Body, Bytes};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use super::answer::{Answer, plain};
use super::failure::{BoxError, Failure};
use super::ingest::{Format, Ingest};

/// The path of trace exports.
pub(super) const PATH: &str = "/v1/traces";

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

pub(super) async fn export<B>(ingest: &Arc<Ingest>, request: Request<B>) -> Response<Answer>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    // These two texts are the Collector's.
    if request.method() != Method::POST {
        let mut answer = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "405 method not allowed, supported: [POST]".to_owned(),
        );
        answer
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("POST"));
        return answer;
    }
    let Some(format) = format(request.headers()) else {
        let text = format!("415 unsupported media type, supported: [{JSON}, {PROTOBUF}]");
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    };
    let stored = ingest.count(store(ingest, request, format).await);
    let (status, body) = match (&stored, format) {
        (Ok(answer), Format::Protobuf) => (StatusCode::OK, answer.encode_to_vec()),
        (Ok(answer), Format::Json) => (StatusCode::OK, success_json(answer)),
        (Err(failure), Format::Protobuf) => (failure.status(), failure.to_protobuf()),
        (Err(failure), Format::Json) => (failure.status(), failure.to_json()),
    };
    let mut answer = Response::new(Answer::whole(body));
    *answer.status_mut() = status;
    let kind = if format == Format::Json { JSON } else { PROTOBUF };
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Err(failure) = stored {
        if let Some(wait) = failure.retry_after() {
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        if matches!(failure, Failure::Compression { .. }) {
            answer
                .headers_mut()
                .insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    answer
}

async fn store<B>(
    ingest: &Arc<Ingest>,
    request: Request<B>,
    format: Format,
) -> Result<ExportTraceServiceResponse, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let gzip = gzip(request.headers())?;
    let (message, share) = ingest.read(request.into_body(), 0, |_| None).await?;
    ingest.export(message, gzip, format, share).await
}

/// The format that the content type names; parameters such as a charset change nothing.
fn format(headers: &HeaderMap) -> Option<Format> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(PROTOBUF) {
        Some(Format::Protobuf)
    } else {
        kind.eq_ignore_ascii_case(JSON).then_some(Format::Json)
    }
}

fn gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let (first, more) = (encodings.next(), encodings.next());
    let first = first.map_or(&b""[..], HeaderValue::as_bytes).trim_ascii();
    match first {
        b"" | b"identity" if more.is_none() => Ok(false),
        _ if more.is_none() && first.eq_ignore_ascii_case(b"gzip") => Ok(true),
        _ => Err(Failure::Compression {
            encoding: String::from_utf8_lossy(first).into_owned(),
        }),
    }
}

/// `{}` when all was accepted; the count is a text because 64-bit numbers are texts in protobuf's JSON.
fn success_json(answer: &ExportTraceServiceResponse) -> Vec<u8> {
    let json = match &answer.partial_success {
        None => serde_json::json!({}),
        Some(partial) => serde_json::json!({ "partialSuccess": {
            "rejectedSpans": partial.rejected_spans.to_string(),
            "errorMessage": partial.error_message,
        }}),
    };
    json.to_string().into_bytes()
}
