//! OTLP/gRPC: statuses and framing, spoken by hand where no client would.

use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use rstest::rstest;
use tonic::Code;

use super::super::ReceiverOptions;
use super::{Bed, encoded, gzip, request_of, span};

/// Headers, trailers and body of one call. Both end up in one map, as both may carry the status.
async fn call(bed: &Bed, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (HeaderMap, Bytes) {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let mut request = Request::post(format!("{}{path}", bed.receiver.endpoint()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client
        .request(request.body(Full::new(Bytes::from(body))).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let mut all = head.headers;
    all.extend(body.trailers().cloned().unwrap_or_default());
    (all, body.to_bytes())
}

const EXPORT: &str = super::super::grpc::PATH;
const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut framed = vec![flag];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend(message);
    framed
}

#[tokio::test]
async fn answers_a_call_with_one_message_and_status_zero() {
    let bed = Bed::up().await;
    let (headers, body) = call(&bed, EXPORT, &[GRPC], framed(0, &encoded(vec![span(1, 1)]))).await;
    assert_eq!(
        (
            headers["content-type"].as_bytes(),
            headers["grpc-status"].as_bytes()
        ),
        (&b"application/grpc"[..], &b"0"[..])
    );
    assert_eq!(&*body, [0; 5]);
    assert!(bed.store.trace([1; 16]).is_some());
    bed.down().await;
}

#[rstest]
#[case("no message at all", Vec::new(), "13")]
#[case("half a prefix", vec![0, 0, 0], "13")]
#[case("half a message", vec![0, 0, 0, 0, 9, 1], "13")]
#[case("two messages", [framed(0, b""), framed(0, b"")].concat(), "13")]
#[case("a flag that gRPC does not have", framed(2, b""), "13")]
#[case("compressed without saying how", framed(1, &gzip(b"")), "13")]
#[case("not protobuf", framed(0, b"\xff\xff"), "3")]
#[tokio::test]
async fn refuses_a_call_that_is_not_one_whole_export(
    #[case] what: &str,
    #[case] body: Vec<u8>,
    #[case] code: &str,
) {
    let bed = Bed::up().await;
    let (headers, _) = call(&bed, EXPORT, &[GRPC], body).await;
    assert_eq!(headers["grpc-status"], code, "{what}: {headers:?}");
    assert_eq!(bed.receiver.stats().refused_requests, 1);
    bed.down().await;
}

#[tokio::test]
async fn refuses_unknown_calls_and_compressions_as_unimplemented() {
    let bed = Bed::up().await;
    let unknown = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let (headers, _) = call(
        &bed,
        unknown,
        &[("content-type", "application/grpc+proto")],
        framed(0, b""),
    )
    .await;
    assert_eq!(headers["grpc-status"], "12");
    let (headers, _) = call(&bed, EXPORT, &[GRPC, ("grpc-encoding", "zstd")], framed(1, b"")).await;
    assert_eq!(
        (&headers["grpc-status"], &headers["grpc-accept-encoding"]),
        (&"12".parse().unwrap(), &"identity,gzip".parse().unwrap())
    );
    bed.down().await;
}

#[rstest]
#[case(false)]
#[case(true)]
#[tokio::test]
async fn a_message_over_the_limit_is_exhausted_and_not_to_be_sent_again(#[case] compressed: bool) {
    let bed = Bed::with(ReceiverOptions {
        request_bytes: 10_000,
        ..ReceiverOptions::default()
    })
    .await;
    let mut client = TraceServiceClient::connect(bed.receiver.endpoint())
        .await
        .unwrap();
    if compressed {
        client = client.send_compressed(tonic::codec::CompressionEncoding::Gzip);
    }
    let mut large = span(1, 1);
    large.name = "x".repeat(20_000);
    let status = client.export(request_of(vec![large])).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(status.details().is_empty(), "RetryInfo would make it retryable");
    assert_eq!(bed.store.stats().accepted_spans, 0);
    // The connection is still good.
    client.export(request_of(vec![span(2, 1)])).await.unwrap();
    drop(client);
    bed.down().await;
}

#[tokio::test]
async fn says_in_the_details_when_to_come_back_while_it_refuses() {
    let bed = Bed::up().await;
    bed.receiver.refuse(true);
    let mut client = TraceServiceClient::connect(bed.receiver.endpoint())
        .await
        .unwrap();
    let status = client.export(request_of(vec![span(1, 1)])).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(
        details.contains("type.googleapis.com/google.rpc.RetryInfo"),
        "{details}"
    );
    drop(client);
    bed.down().await;
}

#[tokio::test]
async fn counts_rejected_spans_and_stores_the_others() {
    let bed = Bed::up().await;
    let mut client = TraceServiceClient::connect(bed.receiver.endpoint())
        .await
        .unwrap();
    let answer = client
        .export(request_of(vec![span(1, 0), span(1, 1), span(0, 2)]))
        .await
        .unwrap()
        .into_inner();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert_eq!(
        partial.error_message,
        "spans rejected: 1 with an invalid trace id, 1 with an invalid span id"
    );
    assert_eq!(bed.store.stats().spans, 1);
    drop(client);
    bed.down().await;
}
