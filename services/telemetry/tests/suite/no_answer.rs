//! Calls that bring no whole answer: each way has its error, its status for the caller, and its span.

use std::time::{Duration, Instant};

use opentelemetry::trace::SpanKind;
use rstest::rstest;
use telemetry::testing::{Bench, error_of, nobody, text};
use telemetry::{BaseUrl, CallError, Propagation, Reached};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::raw::{answer_with, raw};

/// For calls that are meant to take too long.
const SHORT: Duration = Duration::from_millis(200);

/// What a call to `base` comes to that has all the time it needs.
async fn failed_call(base: BaseUrl) -> (CallError, u16) {
    failed_within(Duration::from_secs(30), base).await
}

/// What a call to `base` comes to, and that its span says the same.
async fn failed_within(limit: Duration, base: BaseUrl) -> (CallError, u16) {
    let bench = Bench::with(Propagation::new(true, true), limit);
    let error = bench
        .kit
        .client
        .upstream("backend", base)
        .get("/echo", &[])
        .await
        .unwrap_err();
    let span = bench.span(&SpanKind::Client, "GET /echo");
    assert_eq!(text(&span, "error.type").as_deref(), Some(error.error_type()));
    assert_eq!(error_of(&span), Some(telemetry::chain(&error)));
    assert_eq!(bench.kit.telemetry.ledger.read().pending(), 0);
    let status = error.problem().status;
    (error, status)
}

#[tokio::test]
async fn nobody_there_is_told_as_refused() {
    let (error, status) = failed_call(nobody()).await;
    assert!(
        matches!(error, CallError::Connect { refused: true, .. }),
        "{error:?}"
    );
    assert_eq!((error.error_type(), status), ("connection_refused", 502));
    let words = telemetry::chain(&error);
    assert!(
        words.starts_with("backend cannot be reached at http://127.0.0.1:1/echo: "),
        "{words}"
    );
    assert!(words.contains("refused"), "{words}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_no_connection() {
    // Longer than a name in the DNS can be (RFC 1035, section 2.3.4), so no server is asked.
    let name = "a".repeat(64);
    let (error, status) = failed_call(format!("http://{name}").parse().unwrap()).await;
    assert!(
        matches!(error, CallError::Connect { refused: false, .. }),
        "{error:?}"
    );
    assert_eq!((error.error_type(), status), ("connection_failed", 502));
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let (base, _) = raw(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let begun = Instant::now();
    let (error, status) = failed_within(SHORT, base).await;
    assert!(
        matches!(error, CallError::Timeout { limit, reached: Reached::Connection, .. } if limit == SHORT),
        "{error:?}"
    );
    assert!(
        error.to_string().ends_with(": the connection was open"),
        "{error}"
    );
    assert_eq!((error.error_type(), status), ("timeout", 504));
    assert!(begun.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_connection_that_nobody_accepts_is_a_timeout_too() {
    // The kernel accepts as many as fit into the backlog, and lets the others wait.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let full = socket.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        waiting.spawn(tokio::net::TcpStream::connect(address));
    }
    let _first = waiting.join_next().await;
    let (error, status) = failed_within(SHORT, format!("http://{address}").parse().unwrap()).await;
    assert!(
        matches!(
            error,
            CallError::Timeout {
                reached: Reached::Address,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(status, 504);
}

#[tokio::test]
async fn a_body_that_never_ends_is_a_timeout() {
    let (base, _) = raw(|mut stream| async move {
        let mut request = [0; 2048];
        let _ = stream.read(&mut request).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
            .await;
        std::future::pending::<()>().await;
    })
    .await;
    assert!(matches!(
        failed_within(SHORT, base).await,
        (CallError::Timeout { .. }, 504)
    ));
}

#[rstest]
#[case::hung_up("")]
#[case::no_http("220 mail.example ESMTP\r\n")]
#[case::half_a_body("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")]
#[tokio::test]
async fn what_is_no_whole_answer_is_broken(#[case] answer: &'static str) {
    let (base, _) = raw(move |stream| answer_with(stream, answer)).await;
    let (error, status) = failed_call(base).await;
    assert!(matches!(error, CallError::Broken { .. }), "{error:?}");
    assert_eq!((error.error_type(), status), ("broken_response", 502));
}

#[tokio::test]
async fn an_answer_without_bounds_is_not_read() {
    let (base, _) = raw(|mut stream| async move {
        let mut request = [0; 2048];
        let _ = stream.read(&mut request).await;
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        let _ = stream.write_all(&head).await;
        while stream.write_all(&[b'a'; 65_536]).await.is_ok() {}
    })
    .await;
    let (error, status) = failed_call(base).await;
    assert!(matches!(error, CallError::TooLarge { .. }), "{error:?}");
    assert_eq!(status, 502);
}
