//! OTLP/HTTP: answers in the request's format, statuses, headers.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use rstest::rstest;

use super::{Bed, GZIP, JSON, PROTOBUF, encoded, gzip, span};

#[tokio::test]
async fn answers_protobuf_with_an_empty_message_when_all_is_accepted() {
    let bed = Bed::up().await;
    let answer = bed.protobuf(encoded(vec![span(1, 1)])).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, &b""[..]),
        "partial_success must be unset"
    );
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    assert!(bed.store.trace([1; 16]).is_some());
    bed.down().await;
}

#[tokio::test]
async fn answers_json_with_an_empty_object_when_all_is_accepted() {
    let bed = Bed::up().await;
    let answer = bed
        .post(
            &[("content-type", "Application/JSON; charset=utf-8")],
            r#"{"resourceSpans":[]}"#,
        )
        .await;
    assert_eq!((answer.status, answer.text()), (200, "{}"));
    assert_eq!(answer.header("content-type"), "application/json");
    bed.down().await;
}

#[rstest]
#[case(PROTOBUF, "")]
#[case(JSON, "{}")]
#[tokio::test]
async fn an_empty_request_is_a_success(#[case] kind: (&str, &str), #[case] body: &'static str) {
    let bed = Bed::up().await;
    assert_eq!(bed.post(&[kind], body).await.status, 200);
    assert_eq!(bed.store.stats().accepted_spans, 0);
    bed.down().await;
}

#[tokio::test]
async fn takes_gzip_and_names_it_when_it_is_asked_for_something_else() {
    let bed = Bed::up().await;
    assert_eq!(
        bed.post(&[PROTOBUF, GZIP], gzip(&encoded(vec![span(1, 1)])))
            .await
            .status,
        200
    );
    assert_eq!(
        bed.post(
            &[PROTOBUF, ("content-encoding", "identity")],
            encoded(vec![span(2, 1)])
        )
        .await
        .status,
        200
    );
    assert_eq!(bed.store.stats().traces, 2);
    let answer = bed.post(&[JSON, ("content-encoding", "snappy")], "{}").await;
    assert_eq!((answer.status, answer.header("accept-encoding")), (400, "gzip"));
    assert_eq!(
        answer.json()["message"],
        "compression \"snappy\" is not supported, supported: gzip"
    );
    bed.down().await;
}

#[tokio::test]
async fn counts_rejected_spans_in_both_formats_and_stores_the_others() {
    let bed = Bed::up().await;
    let (mut zero, mut short) = (span(1, 1), span(1, 2));
    zero.trace_id = vec![0; 16];
    short.span_id = vec![1; 7];
    let answer = bed.protobuf(encoded(vec![span(1, 3), zero, short])).await;
    assert_eq!(answer.status, 200);
    let partial = ExportTraceServiceResponse::decode(answer.body.as_slice())
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert_eq!(
        partial.error_message,
        "spans rejected: 1 with an invalid trace id, 1 with an invalid span id"
    );

    let answer = bed.json(
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"","spanId":"0102030405060708"}]}]}]}"#,
    );
    let answer = answer.await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(
        (bed.store.stats().spans, bed.store.stats().rejected_spans.total()),
        (1, 3)
    );
    bed.down().await;
}

#[tokio::test]
async fn another_method_type_or_path_is_refused_with_the_collectors_texts() {
    let bed = Bed::up().await;
    let url = bed.receiver.endpoint();
    let get = super::Answer::of(bed.client.get(format!("{url}/v1/traces")).send().await.unwrap()).await;
    assert_eq!(
        (get.status, get.text()),
        (405, "405 method not allowed, supported: [POST]")
    );
    assert_eq!(get.header("allow"), "POST");
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/jsonx")],
    ] {
        let answer = bed.post(headers, "{}").await;
        let text = "415 unsupported media type, supported: [application/json, application/x-protobuf]";
        assert_eq!((answer.status, answer.text()), (415, text));
    }
    let other = bed
        .client
        .post(format!("{url}/v1/metrics"))
        .header(JSON.0, JSON.1)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status().as_u16(), 404);
    bed.down().await;
}

#[tokio::test]
async fn says_when_to_come_back_while_it_refuses() {
    let bed = Bed::up().await;
    bed.receiver.refuse(true);
    let answer = bed.json("{}").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.json()["code"], 14);
    assert_eq!(answer.json()["details"][0]["retryDelay"], "1s");
    let answer = bed.protobuf(encoded(vec![span(1, 1)])).await;
    let status = rpc_status(&answer.body);
    assert_eq!(
        status,
        (14, "the receiver refuses exports at the moment".to_owned())
    );
    assert_eq!(
        bed.store.stats().accepted_spans,
        0,
        "what is refused is not stored"
    );
    let stats = bed.receiver.stats();
    assert_eq!((stats.accepted_requests, stats.refused_requests), (0, 2));
    assert_eq!(
        stats.last_failure.as_deref(),
        Some("the receiver refuses exports at the moment")
    );

    bed.receiver.refuse(false);
    assert_eq!(bed.protobuf(encoded(vec![span(1, 1)])).await.status, 200);
    bed.down().await;
}

/// Code and message of a `google.rpc.Status`. `ExportTracePartialSuccess` happens to have the same two fields.
fn rpc_status(encoded: &[u8]) -> (i64, String) {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
    let status = ExportTracePartialSuccess::decode(encoded).unwrap();
    (status.rejected_spans, status.error_message)
}
