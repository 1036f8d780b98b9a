//! Calls to another service: client spans, what travels along, connections of their own.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use opentelemetry::Value;
use opentelemetry::trace::SpanKind;
use rstest::rstest;
use telemetry::testing::{Bench, attributes, error_of, is_child, text};
use telemetry::{BaseUrl, Propagation, Routes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::raw::{answer_with, raw};
use crate::{send, traced};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A service that answers with the headers that came, one in a line.
fn echo() -> Routes {
    let answer = |headers: HeaderMap| async move {
        let lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.join("\n")
    };
    Routes {
        traced: Router::new().route("/echo", get(answer).post(answer)),
        untraced: Router::new(),
    }
}

/// A service that calls `path` of another one and passes its answer on.
fn front(bench: &Bench, base: BaseUrl, path: &'static str) -> Routes {
    let upstream = bench.kit.client.upstream("backend", base);
    let call = move || async move {
        match upstream.get(path, &[("sku", "a&b c")]).await {
            Ok(answer) => (answer.status, answer.body).into_response(),
            Err(error) => error.problem().into_response(),
        }
    };
    traced(Router::new().route("/front", get(call)))
}

async fn echoed(bench: &Bench, headers: &[(&str, &str)]) -> Vec<String> {
    let back = bench.serve(echo()).await;
    let response = send(
        bench.app(front(bench, back.base.clone(), "/echo")),
        "GET",
        "/front",
        headers,
    )
    .await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
    String::from_utf8(body.to_vec())
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn header<'a>(lines: &'a [String], name: &str) -> Option<&'a str> {
    let start = format!("{name}: ");
    lines.iter().find_map(|line| line.strip_prefix(&start))
}

#[tokio::test]
async fn a_call_makes_a_client_span_by_the_conventions() {
    let bench = Bench::new();
    let back = bench.serve(echo()).await;
    send(
        bench.app(front(&bench, back.base.clone(), "/echo")),
        "GET",
        "/front",
        &[("x-request-id", "r-81")],
    )
    .await;
    let span = bench.span(&SpanKind::Client, "GET /echo");
    let port: u16 = back.base.to_string().rsplit(':').next().unwrap().parse().unwrap();
    let expected: Vec<(&str, Value)> = vec![
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200_i64.into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(port).into()),
        ("network.protocol.version", "1.1".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(port).into()),
        ("throughline.request.id", "r-81".into()),
        ("url.full", format!("{}/echo?sku=a%26b+c", back.base).into()),
        ("url.template", "/echo".into()),
    ];
    assert_eq!(attributes(&span), expected);
    assert_eq!(error_of(&span), None);
    assert!(is_child(&span, &bench.span(&SpanKind::Server, "GET /front")));
    assert!(is_child(&bench.span(&SpanKind::Server, "GET /echo"), &span));
}

#[tokio::test]
async fn everything_travels_on() {
    let bench = Bench::new();
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "vendor=1"),
        ("baggage", "tier=gold"),
        ("x-request-id", "r-81"),
        ("x-debug", "me"),
        ("authorization", "secret"),
    ];
    let lines = echoed(&bench, &headers).await;
    let client = bench.span(&SpanKind::Client, "GET /echo").span_context;
    let traceparent = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", client.span_id());
    assert_eq!(header(&lines, "traceparent"), Some(traceparent.as_str()));
    assert_eq!(header(&lines, "tracestate"), Some("vendor=1"));
    assert_eq!(header(&lines, "baggage"), Some("tier=gold"));
    assert_eq!(header(&lines, "x-request-id"), Some("r-81"));
    assert_eq!(header(&lines, "x-debug"), Some("me"));
    assert_eq!(
        header(&lines, "connection"),
        None,
        "the server is not to close first"
    );
    assert_eq!(header(&lines, "authorization"), None);
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_travels_on_as_that() {
    let bench = Bench::new();
    let lines = echoed(
        &bench,
        &[
            ("traceparent", &PARENT.replace("-01", "-00")),
            ("x-request-id", "r-81"),
        ],
    )
    .await;
    let traceparent = header(&lines, "traceparent").unwrap();
    assert!(traceparent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && traceparent.ends_with("-00"));
    assert_eq!(header(&lines, "x-request-id"), Some("r-81"));
    assert!(bench.spans().is_empty());
}

#[tokio::test]
async fn the_fault_breaks_the_trace_and_keeps_the_request_id() {
    let propagation = Propagation::new(true, true).dropping_trace_context();
    let bench = Bench::with(propagation, Duration::from_secs(2));
    let lines = echoed(&bench, &[("traceparent", PARENT), ("x-request-id", "r-81")]).await;
    assert_eq!(header(&lines, "traceparent"), None);
    assert_eq!(header(&lines, "x-request-id"), Some("r-81"));
    let (front, back) = (
        bench.span(&SpanKind::Server, "GET /front"),
        bench.span(&SpanKind::Server, "GET /echo"),
    );
    assert_ne!(front.span_context.trace_id(), back.span_context.trace_id());
    assert_eq!(text(&back, "throughline.request.id").as_deref(), Some("r-81"));
}

#[rstest]
#[case(StatusCode::NOT_FOUND)]
#[case(StatusCode::SERVICE_UNAVAILABLE)]
#[tokio::test]
async fn an_error_status_is_an_answer_and_an_error_of_the_client_span(#[case] status: StatusCode) {
    let bench = Bench::new();
    let back = bench
        .serve(traced(
            Router::new().route("/no", get(move || async move { (status, "why") })),
        ))
        .await;
    let answer = bench
        .kit
        .client
        .upstream("backend", back.base.clone())
        .get("/no", &[])
        .await
        .unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (status, &b"why"[..]));
    let span = bench.span(&SpanKind::Client, "GET /no");
    assert_eq!(text(&span, "error.type"), Some(status.as_u16().to_string()));
    assert_eq!(error_of(&span).as_deref(), Some(""));
}

#[tokio::test]
async fn a_body_is_sent_as_json() {
    let bench = Bench::new();
    let answer = |headers: HeaderMap, body: String| async move {
        format!("{} {body}", headers["content-type"].to_str().unwrap())
    };
    let back = bench
        .serve(traced(Router::new().route("/take", post(answer))))
        .await;
    let upstream = bench.kit.client.upstream("backend", back.base.clone());
    let answer = upstream.post("/take", b"{}".to_vec()).await.unwrap();
    assert_eq!(answer.body, b"application/json {}");
}

#[tokio::test]
async fn a_redirect_is_the_callers_to_see() {
    let bench = Bench::new();
    let (base, _) = raw(|stream| {
        answer_with(
            stream,
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        )
    })
    .await;
    let answer = bench
        .kit
        .client
        .upstream("backend", base)
        .get("/echo", &[])
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
}

#[tokio::test]
async fn every_call_has_a_connection_of_its_own() {
    let bench = Bench::new();
    let (base, accepted) = raw(|stream| {
        // Offers to keep the connection, which must not be taken up.
        answer_with(
            stream,
            "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
        )
    })
    .await;
    let upstream = bench.kit.client.upstream("backend", base);
    for _ in 0..3 {
        upstream.get("/echo", &[]).await.unwrap();
    }
    upstream
        .ask("/echo", &[], HeaderMap::new(), Duration::from_secs(2))
        .await
        .unwrap();
    assert_eq!(accepted.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn the_caller_closes_a_connection_that_the_server_leaves_open() {
    let bench = Bench::new();
    let (ended_tx, mut ended_rx) = tokio::sync::mpsc::unbounded_channel();
    let (base, _) = raw(move |mut stream| {
        let ended = ended_tx.clone();
        async move {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            let _ = stream.write_all(answer).await;
            // Nothing more comes, and the end of it is the caller's.
            let _ = ended.send(stream.read(&mut request).await);
        }
    })
    .await;
    let upstream = bench.kit.client.upstream("backend", base);
    upstream.get("/echo", &[]).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), ended_rx.recv());
    assert_eq!(ended.await.unwrap().unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_question_about_the_path_leaves_no_trace() {
    let bench = Bench::new();
    let back = bench
        .serve(Routes {
            traced: Router::new(),
            untraced: echo().traced,
        })
        .await;
    let headers = HeaderMap::from_iter([("x-debug".parse().unwrap(), "me".parse().unwrap())]);
    let upstream = bench.kit.client.upstream("backend", back.base.clone());
    let answer = upstream
        .ask("/echo", &[], headers, Duration::from_secs(2))
        .await
        .unwrap();
    let lines: Vec<String> = String::from_utf8(answer.body)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(header(&lines, "x-debug"), Some("me"));
    assert_eq!(header(&lines, "traceparent"), None);
    assert!(bench.spans().is_empty());
}
