//! What is not Jaeger, or not well.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jaeger_api::{ClientLimits, JaegerClient, JaegerError};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::server::{client, json_text, no_such_path, page, plain};
use crate::recorded;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// The error of fetching a trace from a server that gives every request the same answer.
async fn error_of(answer: ResponseTemplate) -> JaegerError {
    let server = always(answer).await;
    client(&server).trace(recorded::order()).await.unwrap_err()
}

#[tokio::test]
async fn a_wrong_base_path_shows_the_page_that_answered() {
    let error = error_of(page("Sign in")).await;
    let text = error.to_string();
    assert!(text.contains("/api/traces/4bf92f35"), "{text}");
    assert!(
        text.ends_with("answered 200 with a web page (\"Sign in\") instead of JSON"),
        "{text}"
    );
    assert!(error.hint().unwrap().contains("wrong base path"));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_page_that_is_declared_as_something_else_is_still_a_page() {
    let error = error_of(json_text("\n <html><body>hello</body></html>")).await;
    assert!(
        matches!(&error, JaegerError::WebPage { title, .. } if title.contains("hello")),
        "{error}"
    );
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_no_missing_trace() {
    let error = error_of(no_such_path()).await;
    assert!(
        error
            .to_string()
            .ends_with("does not exist there: 404 page not found"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("base path"));
}

#[rstest]
#[case::in_jaegers_words(
    r#"{"data":null,"errors":[{"code":500,"msg":"disk on fire"}]}"#,
    "disk on fire"
)]
#[case::in_v3_words(r#"{"error":{"httpCode":500,"message":"disk on fire"}}"#, "disk on fire")]
#[case::in_other_words("upstream connect error\n", "upstream connect error")]
#[tokio::test]
async fn a_failure_is_reported_with_its_message(#[case] body: &str, #[case] expected: &str) {
    let error = error_of(plain(500, body)).await;
    assert!(
        matches!(&error, JaegerError::Status { status: 500, message, .. } if message == expected),
        "{error}"
    );
}

#[rstest]
#[case::truncated(&recorded::TRACE_LEGACY[..700], 1, 700)]
#[case::empty("", 1, 0)]
#[case::wrong_shape("{\n  \"data\": [\n    {\"spans\": 7}]}", 3, 15)]
#[tokio::test]
async fn an_unreadable_answer_is_reported_with_the_place(
    #[case] body: &str,
    #[case] line: usize,
    #[case] column: usize,
) {
    let error = error_of(json_text(body)).await;
    match &error {
        JaegerError::Malformed {
            line: found_line,
            column: found_column,
            near,
            ..
        } => {
            assert_eq!((*found_line, *found_column), (line, column), "{error}");
            assert!(!near.is_empty());
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_answer_with_an_impossible_span_is_reported_with_the_span() {
    let zero = recorded::TRACE_LEGACY.replace("00f067aa0ba90204", "0000000000000000");
    let error = error_of(json_text(&zero)).await;
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        source,
        r#"span 3 ("create-order" of "order-service") can't be used"#
    );
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    let server = always(json_text(recorded::TRACE_LEGACY)).await;
    let limits = ClientLimits {
        body: 1_000,
        ..ClientLimits::default()
    };
    let error = JaegerClient::with_limits(&server.uri(), limits)
        .unwrap()
        .trace(recorded::order())
        .await
        .unwrap_err();
    assert!(
        matches!(error, JaegerError::TooLarge { limit: 1_000, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_told_apart() {
    // Bound and not listening: nobody else can take the port, and nobody answers.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(LOOPBACK).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let error = JaegerClient::new(&url).unwrap().probe().await.unwrap_err();
    assert!(error.is_connect() && error.is_transient(), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(error.hint().unwrap().contains("16686"));
}

#[tokio::test]
async fn silence_ends_at_the_limit() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = ClientLimits {
        read: Duration::from_millis(50),
        ..ClientLimits::default()
    };
    let error = JaegerClient::with_limits(&url, limits)
        .unwrap()
        .services()
        .await
        .unwrap_err();
    assert!(
        matches!(error, JaegerError::TimedOut { waited, .. } if waited >= Duration::from_millis(50)),
        "{error}"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_told_apart() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":")
            .await
            .unwrap();
    };
    let client = JaegerClient::new(&url).unwrap();
    let ((), answer) = tokio::join!(serve, client.services());
    let error = answer.unwrap_err();
    assert!(matches!(error, JaegerError::Broken { .. }), "{error}");
    assert!(error.is_transient());
}

#[rstest]
#[case::no_scheme("127.0.0.1:16686")]
#[case::tls("https://jaeger.example")]
#[case::nothing("")]
#[case::words("the usual one")]
fn what_is_no_address_is_refused_at_once(#[case] url: &str) {
    let error = JaegerClient::new(url).unwrap_err();
    assert!(
        matches!(&error, JaegerError::BaseUrl { url: given, .. } if given == url),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("http://127.0.0.1:16686"));
}
