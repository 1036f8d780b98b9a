//! What comes in broken, hostile or absurd: refused or stored as Jaeger would, never a panic, memory bounded.

use std::io::Write;
use std::time::Duration;

use jaeger_api::convert::WARNINGS;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::ReceiverOptions;
use super::{Bed, GZIP, JSON, PROTOBUF, encoded, gzip, span};

fn small() -> ReceiverOptions {
    ReceiverOptions {
        request_bytes: 100_000,
        ..ReceiverOptions::default()
    }
}

/// Every span of a trace.
fn spans(bed: &Bed, id: u8) -> Vec<Span> {
    let trace = bed.store.trace([id; 16]).unwrap_or_default();
    trace
        .into_iter()
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect()
}

#[rstest]
#[case::protobuf(PROTOBUF, &b"\x0a\x05\xff"[..], "the request is not an OTLP trace export in protobuf: ExportTraceServiceRequest is cut short")]
#[case::json(JSON, &b"{\"resourceSpans\":{}}"[..], "the request is not an OTLP trace export in JSON: invalid type: map, expected a list for resourceSpans at line 1 column 17")]
#[tokio::test]
async fn malformed_otlp_is_refused_with_a_status_in_its_own_format(
    #[case] kind: (&str, &str),
    #[case] body: &'static [u8],
    #[case] message: &str,
) {
    let bed = Bed::up().await;
    let answer = bed.post(&[kind], body).await;
    assert_eq!((answer.status, answer.header("content-type")), (400, kind.1));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains(message), "{text}");
    assert_eq!(bed.store.stats().accepted_spans, 0);
    bed.down().await;
}

#[tokio::test]
async fn nothing_of_a_request_is_stored_when_its_end_is_damaged() {
    let bed = Bed::up().await;
    let mut body = encoded(vec![span(1, 1)]);
    body.extend(b"\x0a\x7f");
    assert_eq!(bed.protobuf(body).await.status, 400);
    assert!(bed.store.trace([1; 16]).is_none());
    bed.down().await;
}

#[tokio::test]
async fn an_oversized_body_is_refused_whether_its_length_is_announced_or_not() {
    let bed = Bed::with(small()).await;
    let answer = bed.protobuf(vec![0; 100_001]).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    // Chunked: nobody knows how much will come.
    let mut stream = TcpStream::connect(bed.receiver.addr()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for _ in 0..40 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
    drop(stream);
    assert_eq!(
        bed.protobuf(encoded(vec![span(1, 1)])).await.status,
        200,
        "the next one is served"
    );
    bed.down().await;
}

#[tokio::test]
async fn a_gzip_bomb_is_stopped_at_the_limit() {
    let bed = Bed::with(small()).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 100_000, "{} bytes go in", bomb.len());
    let answer = bed.post(&[JSON, GZIP], bomb).await;
    assert_eq!(answer.status, 413);
    assert_eq!(
        answer.json()["message"],
        "the request is larger than 100000 bytes when decompressed"
    );
    bed.down().await;
}

#[rstest]
#[case::cut_in_the_middle(|gzip: &mut Vec<u8>| gzip.truncate(gzip.len() / 2))]
#[case::cut_in_the_checksum(|gzip: &mut Vec<u8>| gzip.truncate(gzip.len() - 2))]
#[case::another_checksum(|gzip: &mut Vec<u8>| { let end = gzip.len() - 5; gzip[end] ^= 1; })]
#[case::not_gzip(|gzip: &mut Vec<u8>| gzip[0] = 0)]
#[case::nothing(|gzip: &mut Vec<u8>| gzip.clear())]
#[tokio::test]
async fn damaged_gzip_is_refused_and_nothing_of_it_stored(#[case] damage: fn(&mut Vec<u8>)) {
    let bed = Bed::up().await;
    let mut body = gzip(&encoded(vec![span(1, 1)]));
    damage(&mut body);
    let answer = bed.post(&[PROTOBUF, GZIP], body).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(bed.store.stats().accepted_spans, 0);
    bed.down().await;
}

#[tokio::test]
async fn invalid_utf8_costs_the_span_that_has_it_and_no_other() {
    let bed = Bed::up().await;
    let mut body = encoded(vec![span(1, 1), span(1, 2)]);
    let name = body.windows(4).rposition(|bytes| bytes == b"work").unwrap();
    body[name] = 0xff;
    let answer = bed.protobuf(body).await;
    assert_eq!(answer.status, 200);
    assert!(String::from_utf8_lossy(&answer.body).contains("1 with text that is not UTF-8"));
    assert_eq!(spans(&bed, 1), [span(1, 1)]);
    // JSON is text as a whole, so there it is damage.
    assert_eq!(bed.post(&[JSON], &b"{\"a\":\"\xff\"}"[..]).await.status, 400);
    bed.down().await;
}

#[tokio::test]
async fn zero_short_and_long_ids_are_rejected_one_by_one() {
    let bed = Bed::up().await;
    let with = |change: fn(&mut Span)| {
        let mut span = span(1, 1);
        change(&mut span);
        span
    };
    let bad = vec![
        with(|span| span.trace_id = vec![0; 16]),
        with(|span| span.trace_id = vec![1; 15]),
        with(|span| span.trace_id.clear()),
        with(|span| span.span_id = vec![0; 8]),
        with(|span| span.span_id = vec![1; 9]),
        with(|span| span.parent_span_id = vec![1; 4]),
    ];
    assert_eq!(bed.protobuf(encoded(bad)).await.status, 200);
    let rejected = bed.store.stats().rejected_spans;
    assert_eq!(
        (
            rejected.trace_id,
            rejected.span_id,
            rejected.reference,
            rejected.utf8
        ),
        (3, 2, 1, 0)
    );
    assert_eq!(bed.store.stats().spans, 0);
    bed.down().await;
}

#[tokio::test]
async fn spans_of_one_id_are_all_kept_and_exact_copies_too() {
    let bed = Bed::up().await;
    let mut other = span(1, 1);
    other.name = "another with the same id".to_owned();
    for body in [
        encoded(vec![span(1, 1)]),
        encoded(vec![span(1, 1)]),
        encoded(vec![other.clone()]),
    ] {
        assert_eq!(bed.protobuf(body).await.status, 200);
    }
    assert_eq!(spans(&bed, 1), [span(1, 1), span(1, 1), other]);
    bed.down().await;
}

#[rstest]
#[case::at_the_beginning_of_time(0, 1, 1)]
#[case::at_the_end_of_time(u64::MAX - 1, u64::MAX, u64::MAX)]
#[case::ending_before_it_began(2_000, 1_000, 2_001)]
#[case::ending_when_it_began(5, 5, 6)]
#[case::unset(0, 0, 1)]
#[case::with_no_time_left(u64::MAX, 7, u64::MAX)]
#[tokio::test]
async fn a_span_whose_clock_is_far_off_is_stored_and_mended(
    #[case] start: u64,
    #[case] end: u64,
    #[case] mended: u64,
) {
    let bed = Bed::up().await;
    let sent = Span {
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        ..span(1, 1)
    };
    assert_eq!(bed.protobuf(encoded(vec![sent])).await.status, 200);
    let [stored] = spans(&bed, 1).try_into().unwrap();
    assert_eq!(
        (stored.start_time_unix_nano, stored.end_time_unix_nano),
        (start, mended)
    );
    let warnings: Vec<_> = stored
        .attributes
        .iter()
        .filter(|attribute| attribute.key == WARNINGS)
        .collect();
    assert_eq!(warnings.len(), usize::from(end <= start), "{warnings:?}");
    bed.down().await;
}

#[tokio::test]
async fn says_of_a_negative_duration_what_jaeger_says() {
    let bed = Bed::up().await;
    let (start, end) = (1_485_445_591_639_875_000, 1_485_445_591_000_000_000);
    let sent = Span {
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        name: String::new(),
        ..span(1, 1)
    };
    assert_eq!(bed.protobuf(encoded(vec![sent])).await.status, 200);
    let [stored] = spans(&bed, 1).try_into().unwrap();
    assert_eq!(stored.name, "empty-span-name");
    let Some(Value::ArrayValue(list)) = stored.attributes[0].value.clone().unwrap().value else {
        panic!("{stored:?}")
    };
    let warning = "Negative duration detected, sanitizing end timestamp. \
                   Original end timestamp: 2017-01-26 15:46:31 +0000 UTC, \
                   adjusted to: 2017-01-26 15:46:31.639875001 +0000 UTC";
    assert_eq!(list.values[0].value, Some(Value::StringValue(warning.to_owned())));
    bed.down().await;
}

#[tokio::test]
async fn what_lies_too_deep_is_refused_in_both_formats() {
    let bed = Bed::up().await;
    let mut deep = Vec::new();
    for _ in 0..2_000 {
        // AnyValue { arrayValue { values: [...] } }, built from the inside.
        let mut outer = vec![0x0a];
        prost::encoding::encode_varint(deep.len() as u64, &mut outer);
        outer.append(&mut deep);
        deep = vec![0x2a];
        prost::encoding::encode_varint(outer.len() as u64, &mut deep);
        deep.append(&mut outer);
    }
    let mut body = deep;
    // KeyValue.value, Span.attributes, ScopeSpans.spans, ResourceSpans.scope_spans, request.resource_spans
    for tag in [0x12, 0x4a, 0x12, 0x12, 0x0a] {
        let mut outer = vec![tag];
        prost::encoding::encode_varint(body.len() as u64, &mut outer);
        outer.append(&mut body);
        body = outer;
    }
    let answer = bed.protobuf(body).await;
    assert_eq!(answer.status, 400);
    assert!(String::from_utf8_lossy(&answer.body).contains("deeper than 100 messages"));
    let answer = bed.json(&"[{\"a\":".repeat(50_000)).await;
    assert_eq!(answer.status, 400);
    bed.down().await;
}

#[tokio::test]
async fn a_sender_that_goes_away_in_the_middle_leaves_nothing_behind() {
    let bed = Bed::up().await;
    let mut stream = TcpStream::connect(bed.receiver.addr()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&encoded(vec![span(1, 1)])).await.unwrap();
    drop(stream);
    assert_eq!(bed.protobuf(encoded(vec![span(2, 1)])).await.status, 200);
    assert!(bed.store.trace([1; 16]).is_none());
    bed.down().await;
}

#[tokio::test]
async fn a_request_that_stops_arriving_is_given_up() {
    let options = ReceiverOptions {
        receive_timeout: Duration::from_millis(50),
        ..ReceiverOptions::default()
    };
    let bed = Bed::with(options).await;
    let mut stream = TcpStream::connect(bed.receiver.addr()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
    bed.down().await;
}

#[tokio::test]
async fn requests_beyond_the_memory_for_all_of_them_are_sent_away_for_the_moment() {
    let bed = Bed::with(ReceiverOptions {
        in_flight_bytes: 100_000,
        ..ReceiverOptions::default()
    })
    .await;
    let mut stalled = TcpStream::connect(bed.receiver.addr()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 49000\r\n\r\n";
    stalled.write_all(head.as_bytes()).await.unwrap();
    stalled.write_all(&vec![b' '; 48_000]).await.unwrap();
    // Once the stalled one has arrived as far as it does, there is no room left.
    let answer = loop {
        let answer = bed.protobuf(vec![b' '; 60_000]).await;
        if answer.status == 503 {
            break answer;
        }
        assert_eq!(answer.status, 400, "spaces are no request");
    };
    assert_eq!(answer.header("retry-after"), "1");
    stalled.write_all(&vec![b' '; 998]).await.unwrap();
    stalled.write_all(b"{}").await.unwrap();
    let mut first = vec![0; 12];
    stalled.read_exact(&mut first).await.unwrap();
    assert_eq!(first, b"HTTP/1.1 200", "the one that was there first is served");
    bed.down().await;
}
