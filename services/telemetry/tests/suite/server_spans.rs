//! Server spans: names, attributes, status, parents, correlation.

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use rstest::rstest;
use telemetry::testing::{Bench, attribute, attributes, error_of, is_child, text};
use telemetry::{Correlation, Problem, Routes};
use tracing::info_span;

use crate::{problem, send, traced};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn routes() -> Routes {
    traced(
        Router::new()
            .route("/articles/{sku}", get(|| async { "here" }))
            .route("/work", post(|| async { info_span!("work").in_scope(|| "done") }))
            .route("/gone", get(|| async { StatusCode::GONE }))
            .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
            .route(
                "/panic",
                get(|| async {
                    if true {
                        panic!("on purpose")
                    }
                }),
            ),
    )
}

#[tokio::test]
async fn a_request_makes_a_server_span_by_the_conventions() {
    let bench = Bench::new();
    let headers = [
        ("host", "shop:8080"),
        ("user-agent", "tester/1"),
        ("x-request-id", "r-81"),
    ];
    let response = send(
        bench.app(routes()),
        "GET",
        "/articles/WIDGET-001?colour=red",
        &headers,
    )
    .await;
    assert_eq!(response.status(), StatusCode::OK);
    let span = bench.span(&SpanKind::Server, "GET /articles/{sku}");
    let expected: Vec<(&str, Value)> = vec![
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200_i64.into()),
        ("http.route", "/articles/{sku}".into()),
        ("network.protocol.version", "1.1".into()),
        ("server.address", "shop".into()),
        ("server.port", 8080_i64.into()),
        ("throughline.request.id", "r-81".into()),
        ("url.path", "/articles/WIDGET-001".into()),
        ("url.query", "colour=red".into()),
        ("url.scheme", "http".into()),
        ("user_agent.original", "tester/1".into()),
    ];
    assert_eq!(attributes(&span), expected);
    assert_eq!(span.status, Status::Unset);
    assert!(span.events.is_empty() && span.links.is_empty());
}

#[tokio::test]
async fn a_connection_tells_who_the_client_is() {
    let bench = Bench::new();
    let server = bench.serve(routes()).await;
    let url = format!("{}/articles/1", server.base);
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(url)
        .send()
        .await
        .unwrap();
    let span = bench.span(&SpanKind::Server, "GET /articles/{sku}");
    assert_eq!(text(&span, "client.address").as_deref(), Some("127.0.0.1"));
    assert_eq!(text(&span, "network.peer.address").as_deref(), Some("127.0.0.1"));
    assert!(matches!(
        attribute(&span, "network.peer.port"),
        Some(Value::I64(1..))
    ));
}

#[rstest]
#[case::caller_asked_for_what_is_gone("GET", "/gone", "GET /gone", 410, None)]
#[case::no_such_route("GET", "/nothing", "GET", 404, None)]
#[case::not_with_this_method("DELETE", "/gone", "DELETE /gone", 405, None)]
#[case::unknown_method("BREW", "/nothing", "HTTP", 404, None)]
#[case::our_own_failure("GET", "/broken", "GET /broken", 502, Some("502"))]
#[tokio::test]
async fn only_a_failure_of_ours_is_an_error(
    #[case] method: &str,
    #[case] uri: &str,
    #[case] name: &str,
    #[case] status: u16,
    #[case] error_type: Option<&str>,
) {
    let bench = Bench::new();
    let response = send(bench.app(routes()), method, uri, &[]).await;
    assert_eq!(response.status().as_u16(), status);
    let span = bench.span(&SpanKind::Server, name);
    assert_eq!(
        attribute(&span, "http.response.status_code"),
        Some(i64::from(status).into())
    );
    assert_eq!(text(&span, "error.type").as_deref(), error_type);
    // The status code says it all, so the description is empty.
    assert_eq!(error_of(&span).as_deref(), error_type.map(|_| ""));
}

#[tokio::test]
async fn a_panic_is_answered_and_is_an_error() {
    let bench = Bench::new();
    let answer = problem(send(bench.app(routes()), "GET", "/panic", &[("x-request-id", "r-81")]).await).await;
    assert_eq!((answer.status, answer.request_id.as_deref()), (500, Some("r-81")));
    let span = bench.span(&SpanKind::Server, "GET /panic");
    assert_eq!(text(&span, "error.type").as_deref(), Some("panic"));
    assert_eq!(error_of(&span).as_deref(), Some("the handler panicked"));
}

#[tokio::test]
async fn a_span_inside_is_a_child_and_carries_the_request_id() {
    let bench = Bench::new();
    send(
        bench.app(routes()),
        "POST",
        "/work",
        &[("x-request-id", "r-81"), ("traceparent", PARENT)],
    )
    .await;
    let server = bench.span(&SpanKind::Server, "POST /work");
    let inside = bench.span(&SpanKind::Internal, "work");
    assert!(is_child(&inside, &server));
    assert_eq!(text(&inside, "throughline.request.id").as_deref(), Some("r-81"));
    assert_eq!(server.span_context.trace_id().to_string(), TRACE);
    assert_eq!(server.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(server.parent_span_is_remote && !inside.parent_span_is_remote);
}

#[tokio::test]
async fn tracestate_stays_with_the_span() {
    let bench = Bench::new();
    let headers = [("traceparent", PARENT), ("tracestate", "vendor=1,other=2")];
    send(bench.app(routes()), "POST", "/work", &headers).await;
    let span = bench.span(&SpanKind::Internal, "work");
    assert_eq!(span.span_context.trace_state().header(), "vendor=1,other=2");
}

#[rstest]
#[case::none(&[])]
#[case::broken(&[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad-01")])]
#[tokio::test]
async fn without_a_usable_parent_a_request_begins_a_trace(#[case] headers: &[(&str, &str)]) {
    let bench = Bench::new();
    send(bench.app(routes()), "POST", "/work", headers).await;
    let span = bench.span(&SpanKind::Server, "POST /work");
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_ne!(span.span_context.trace_id().to_string(), TRACE);
}

#[tokio::test]
async fn a_caller_that_does_not_sample_gets_no_spans_and_its_request_id() {
    let bench = Bench::new();
    let unsampled = PARENT.replace("-01", "-00");
    let headers = [("traceparent", unsampled.as_str()), ("x-request-id", "r-81")];
    let response = send(bench.app(routes()), "POST", "/work", &headers).await;
    assert_eq!(response.headers()["x-request-id"], "r-81");
    assert!(bench.spans().is_empty());
    assert_eq!(bench.kit.telemetry.ledger.read().started, 0);
}

#[tokio::test]
async fn the_request_id_comes_back_with_every_answer() {
    let bench = Bench::new();
    for uri in ["/articles/1", "/gone", "/nothing", "/panic"] {
        let response = send(
            bench.app(routes()),
            "GET",
            uri,
            &[("x-request-id", "r-81"), ("x-debug", "me")],
        )
        .await;
        assert_eq!(response.headers()["x-request-id"], "r-81", "{uri}");
        assert!(!response.headers().contains_key("x-debug"), "{uri}");
    }
}

#[tokio::test]
async fn a_request_without_an_id_gets_one_that_is_on_its_span() {
    let bench = Bench::new();
    let response = send(bench.app(routes()), "GET", "/gone", &[]).await;
    let id = response.headers()["x-request-id"].to_str().unwrap();
    let span = bench.span(&SpanKind::Server, "GET /gone");
    assert_eq!(text(&span, "throughline.request.id").as_deref(), Some(id));
}

#[tokio::test]
async fn requests_at_the_same_time_keep_apart() {
    let bench = Bench::new();
    let slow = Router::new().route(
        "/whose",
        get(|| async {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            Correlation::current()
                .map(|correlation| correlation.request_id)
                .unwrap_or_default()
        }),
    );
    let app = bench.app(traced(slow));
    let ask = |id: String| {
        let app = app.clone();
        async move {
            let answer = send(app, "GET", "/whose", &[("x-request-id", &id)]).await;
            let body = axum::body::to_bytes(answer.into_body(), 64).await.unwrap();
            assert_eq!(body, id.as_bytes());
        }
    };
    futures_util::future::join_all((0..16).map(|index| ask(format!("r-{index}")))).await;
    let mut ids: Vec<_> = bench
        .spans()
        .iter()
        .filter_map(|span| text(span, "throughline.request.id"))
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 16);
}

#[tokio::test]
async fn problems_carry_the_request_id() {
    let bench = Bench::new();
    let refusal = || async { Problem::new(StatusCode::CONFLICT, "sold-out", "Sold out", "none left") };
    let app = bench.app(traced(Router::new().route("/refuse", get(refusal))));
    let answer = problem(send(app, "GET", "/refuse", &[("x-request-id", "r-81")]).await).await;
    assert_eq!(answer.kind, "/problems/sold-out");
    assert_eq!((answer.status, answer.detail.as_str()), (409, "none left"));
    assert_eq!(answer.request_id.as_deref(), Some("r-81"));
}
