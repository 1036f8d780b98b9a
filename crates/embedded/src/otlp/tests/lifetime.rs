//! Beginning and end of a receiver.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::{OtlpReceiver, ReceiverError, ReceiverOptions};
use super::{Bed, encoded, span};

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_address() {
    let bed = Bed::up().await;
    let addr = bed.receiver.addr();
    let error = OtlpReceiver::bind(addr).await.unwrap_err();
    assert!(
        matches!(error, ReceiverError::Bind { addr: found, .. } if found == addr),
        "{error:?}"
    );
    bed.down().await;
}

#[tokio::test]
async fn shutdown_frees_the_port_and_ends_idle_connections() {
    let bed = Bed::up().await;
    let addr = bed.receiver.addr();
    assert_eq!(bed.protobuf(encoded(vec![span(1, 1)])).await.status, 200);
    let mut idle = TcpStream::connect(addr).await.unwrap();
    bed.down().await;
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
    OtlpReceiver::bind(addr).await.unwrap();
}

#[tokio::test]
async fn shutdown_waits_for_a_request_under_way_and_acknowledges_it() {
    let bed = Bed::up().await;
    let body = encoded(vec![span(1, 1)]);
    let mut stream = TcpStream::connect(bed.receiver.addr()).await.unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-protobuf\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The receiver asks for the body, so it is at work on this request.
    let mut go_on = vec![0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let store = bed.store.clone();
    let down = tokio::spawn(bed.down());
    stream.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert!(store.trace([1; 16]).is_some());
    down.await.unwrap();
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever_for_a_sender_that_stalls() {
    let bed = Bed::with(ReceiverOptions {
        grace: Duration::from_millis(50),
        ..ReceiverOptions::default()
    })
    .await;
    let mut stream = TcpStream::connect(bed.receiver.addr()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 25]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), bed.down())
        .await
        .expect("grace is 50 ms");
}

#[tokio::test]
async fn a_receiver_that_is_dropped_stops_too() {
    let bed = Bed::up().await;
    let mut idle = TcpStream::connect(bed.receiver.addr()).await.unwrap();
    drop(bed);
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_panic_while_serving_comes_out_at_shutdown() {
    let bed = Bed::up().await;
    bed.store.poison();
    let url = format!("{}/v1/traces", bed.receiver.endpoint());
    let request = bed
        .client
        .post(url)
        .header("content-type", "application/x-protobuf");
    let cut_off = request.body(encoded(vec![span(1, 1)])).send().await;
    assert!(cut_off.is_err(), "{cut_off:?}");
    let ended = tokio::spawn(bed.down()).await.unwrap_err();
    assert!(ended.is_panic(), "{ended:?}");
}
