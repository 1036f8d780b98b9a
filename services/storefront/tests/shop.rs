//! The whole shop in one process, over loopback: checkout, and the question who would answer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::trace::SpanKind;
use rstest::rstest;
use storefront::{Config, Path, routes};
use telemetry::testing::{Bench, Server, error_of, is_child, nobody, text};
use telemetry::{BaseUrl, Problem, Propagation, Routes};
use testbed::Deadline;
use tower::ServiceExt;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ORDER: &str = r#"{"customer_id":"customer-42","sku":"WIDGET-001"}"#;

/// order-service and inventory-service, serving.
struct Backend {
    order: Server,
    _inventory: Server,
}

impl Backend {
    async fn start(bench: &Bench) -> Self {
        let config = inventory_service::Config::parse_from(["inventory-service"]);
        let inventory = bench.serve(inventory_service::routes(&config)).await;
        let url = inventory.base.to_string();
        let config = order_service::Config::parse_from(["order-service", "--inventory-url", &url]);
        let order = bench.serve(order_service::routes(&bench.kit, &config)).await;
        Self {
            order,
            _inventory: inventory,
        }
    }
}

async fn send(bench: &Bench, order: &BaseUrl, request: http::request::Builder, body: &str) -> Response {
    let config = Config::parse_from(["storefront", "--order-url", &order.to_string()]);
    let app = bench.app(routes(bench.kit.clone(), &config));
    app.oneshot(request.body(Body::from(body.to_owned())).unwrap())
        .await
        .unwrap()
}

async fn check_out(bench: &Bench, order: &BaseUrl, body: &str) -> Response {
    let request = Request::post("/checkout")
        .header("x-request-id", "r-81")
        .header("traceparent", PARENT);
    send(bench, order, request, body).await
}

async fn bytes(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

async fn problem(response: Response) -> Problem {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    serde_json::from_slice(&bytes(response).await).unwrap()
}

#[tokio::test]
async fn a_checkout_is_one_trace_through_all_services() {
    let bench = Bench::new();
    let backend = Backend::start(&bench).await;
    let response = check_out(&bench, &backend.order.base, ORDER).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["x-request-id"], "r-81");
    let created: serde_json::Value = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!(created["status"], "created");

    let path = [
        (SpanKind::Server, "POST /checkout"),
        (SpanKind::Client, "POST /api/orders"),
        (SpanKind::Server, "POST /api/orders"),
        (SpanKind::Internal, "create-order"),
        (SpanKind::Client, "GET /api/check"),
        (SpanKind::Server, "GET /api/check"),
    ];
    let path: Vec<_> = path.iter().map(|(kind, name)| bench.span(kind, name)).collect();
    assert_eq!(path[0].parent_span_id.to_string(), "b7ad6b7169203331");
    for pair in path.windows(2) {
        assert!(
            is_child(&pair[1], &pair[0]),
            "{} below {}",
            pair[1].name,
            pair[0].name
        );
    }
    let spans = bench.spans();
    assert_eq!(spans.len(), path.len() + 1, "and process_order");
    for span in spans {
        assert_eq!(
            span.span_context.trace_id().to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(text(&span, "throughline.request.id").as_deref(), Some("r-81"));
    }
}

#[rstest]
#[case::no_json("nonsense", 400, "bad-json")]
#[case::no_order("{}", 422, "invalid-order")]
#[case::unknown(r#"{"customer_id":"c","sku":"UNICORN-9"}"#, 404, "unknown-sku")]
#[case::sold_out(r#"{"customer_id":"c","sku":"SOLDOUT-001"}"#, 409, "sold-out")]
#[tokio::test]
async fn a_refusal_is_passed_on_as_it_is(#[case] body: &str, #[case] status: u16, #[case] kind: &str) {
    let bench = Bench::new();
    let backend = Backend::start(&bench).await;
    let problem = problem(check_out(&bench, &backend.order.base, body).await).await;
    assert_eq!(
        (problem.status, problem.kind.as_str()),
        (status, format!("/problems/{kind}").as_str())
    );
    assert_eq!(problem.request_id.as_deref(), Some("r-81"));
    // To its caller, storefront did its work; to storefront, order-service did not.
    assert_eq!(error_of(&bench.span(&SpanKind::Server, "POST /checkout")), None);
    assert!(error_of(&bench.span(&SpanKind::Client, "POST /api/orders")).is_some());
}

#[tokio::test]
async fn no_order_service_is_a_bad_gateway() {
    let bench = Bench::new();
    let problem = problem(check_out(&bench, &nobody(), ORDER).await).await;
    assert_eq!(
        (problem.status, problem.kind.as_str()),
        (502, "/problems/upstream-unreachable")
    );
    assert!(
        problem.detail.starts_with("order-service cannot be reached"),
        "{}",
        problem.detail
    );
    assert!(error_of(&bench.span(&SpanKind::Server, "POST /checkout")).is_some());
}

#[tokio::test]
async fn a_slow_order_service_is_a_gateway_timeout() {
    let bench = Bench::with(Propagation::new(true, true), Duration::from_millis(100));
    let never = Router::new().route("/api/orders", post(std::future::pending::<()>));
    let slow = bench
        .serve(Routes {
            traced: never,
            untraced: Router::new(),
        })
        .await;
    let problem = problem(check_out(&bench, &slow.base, ORDER).await).await;
    assert_eq!(
        (problem.status, problem.kind.as_str()),
        (504, "/problems/upstream-timeout")
    );
}

/// An order-service at which somebody looks at the variables, for so long.
async fn held_for(bench: &Bench, pause: Duration) -> Server {
    let held = post(move || async move {
        Deadline::after(pause).ended().await;
        "done"
    });
    bench
        .serve(Routes {
            traced: Router::new().route("/api/orders", held),
            untraced: Router::new(),
        })
        .await
}

#[tokio::test]
async fn a_caller_that_says_it_will_wait_is_waited_for() {
    let limit = Duration::from_millis(100);
    let bench = Bench::with(Propagation::new(true, true), limit);
    let slow = held_for(&bench, limit * 3).await;
    let request = || Request::post("/checkout").header("x-request-id", "r-81");
    let patient = request().header("prefer", "wait=60");
    assert_eq!(send(&bench, &slow.base, patient, ORDER).await.status(), 200);
    assert_eq!(send(&bench, &slow.base, request(), ORDER).await.status(), 504);
}

#[tokio::test]
async fn a_caller_that_says_it_will_not_wait_long_has_an_answer_sooner() {
    let bench = Bench::with(Propagation::new(true, true), Duration::from_secs(60));
    let slow = held_for(&bench, Duration::from_secs(10)).await;
    for wait in ["wait=1", "wait=0"] {
        let request = Request::post("/checkout")
            .header("x-request-id", "r-82")
            .header("prefer", wait);
        let answer = send(&bench, &slow.base, request, ORDER).await;
        assert_eq!(answer.status(), 504, "{wait}");
    }
}

#[tokio::test]
async fn an_answer_without_a_type_is_passed_on_without_one() {
    let bench = Bench::new();
    let bare = Router::new().route("/api/orders", post(|| async { StatusCode::NO_CONTENT }));
    let backend = bench
        .serve(Routes {
            traced: bare,
            untraced: Router::new(),
        })
        .await;
    let response = check_out(&bench, &backend.base, ORDER).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers().get("content-type"), None);
}

async fn ask_route(bench: &Bench, order: &BaseUrl) -> Response {
    let request = Request::get("/route?nonce=n%2D7")
        .header("x-debug", "me")
        .header("traceparent", PARENT);
    send(bench, order, request, "").await
}

#[tokio::test]
async fn the_route_names_who_would_answer() {
    let bench = Bench::new();
    let backend = Backend::start(&bench).await;
    let response = ask_route(&bench, &backend.order.base).await;
    assert_eq!(response.status(), StatusCode::OK);
    let path: Path = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!(path.nonce.as_deref(), Some("n-7"));
    assert_eq!(path.hops.len(), 2);
    for hop in &path.hops {
        assert_eq!(
            (hop.identity.pid, hop.nonce.as_deref()),
            (std::process::id(), Some("n-7"))
        );
    }
    assert!(bench.spans().is_empty());
}

#[tokio::test]
async fn the_question_carries_the_debug_header_and_no_trace() {
    let bench = Bench::new();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(HeaderMap::new()));
    let keep = std::sync::Arc::clone(&seen);
    let answer = move |headers: HeaderMap| async move {
        *keep.lock().unwrap() = headers;
        StatusCode::NOT_FOUND
    };
    // A plain server: our own application has a `/whoami` already.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/whoami", get(answer))).await });
    ask_route(&bench, &base).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen["x-debug"], "me");
    assert_eq!(seen.get("traceparent"), None);
}

/// Something that answers `/whoami` in its own way.
async fn impostor(answer: axum::routing::MethodRouter) -> BaseUrl {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/whoami", answer)).await });
    base
}

#[rstest]
#[case::refusing(get(|| async { StatusCode::SERVICE_UNAVAILABLE }), "503")]
#[case::babbling(get(|| async { "order-service, who else" }), "did not say who it is")]
#[case::another_shape(get(|| async { Json(serde_json::json!({"service": "order-service"})) }), "did not say who it is")]
#[case::another_nonce(get(|| async { Json(whoami_with("n-6")) }), "answered with Some(\"n-6\")")]
#[tokio::test]
async fn whoever_does_not_say_who_it_is_breaks_the_route(
    #[case] answer: axum::routing::MethodRouter,
    #[case] told: &str,
) {
    let bench = Bench::new();
    let problem = problem(ask_route(&bench, &impostor(answer).await).await).await;
    assert_eq!(
        (problem.status, problem.kind.as_str()),
        (502, "/problems/route-broken")
    );
    assert!(problem.detail.contains(told), "{}", problem.detail);
}

fn whoami_with(nonce: &str) -> serde_json::Value {
    let telemetry = serde_json::json!({
        "exporter": "none", "started": 0, "exported": 0, "failed": 0, "last_error": null
    });
    serde_json::json!({
        "service": "order-service", "version": "0.1.0", "site": "cluster", "pid": 1, "instance_id": "i-1",
        "started_at": "2026-11-23T02:00:00Z", "nonce": nonce, "telemetry": telemetry
    })
}

#[tokio::test]
async fn nobody_there_breaks_the_route() {
    let bench = Bench::new();
    assert_eq!(
        problem(ask_route(&bench, &nobody()).await).await.kind,
        "/problems/route-broken"
    );
}

#[tokio::test]
async fn the_route_is_told_within_two_seconds_whatever_a_call_may_take() {
    let bench = Bench::with(Propagation::new(true, true), Duration::from_secs(600));
    let base = impostor(get(std::future::pending::<()>)).await;
    let begun = Instant::now();
    let problem = problem(ask_route(&bench, &base).await).await;
    assert!(problem.detail.contains("within 1.8s"), "{}", problem.detail);
    assert!(
        problem.detail.ends_with("the connection was open"),
        "{}",
        problem.detail
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(1_800),
        "{:?}",
        begun.elapsed()
    );
}
