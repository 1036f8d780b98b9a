//! Orders, good and bad: what the caller gets, and what the trace says.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind};
use order_service::{Config, Created, PRICES, routes};
use rstest::rstest;
use telemetry::testing::{Bench, attribute, error_of, is_child, nobody, text};
use telemetry::{BaseUrl, Problem, Propagation, Routes};
use tower::ServiceExt;

const ORDER: &str = r#"{"customer_id":"customer-42","sku":"WIDGET-001","quantity":3}"#;

/// Sends a body to `POST /api/orders` of a service whose inventory is at `inventory`.
async fn place(bench: &Bench, inventory: &BaseUrl, body: &str) -> Response {
    let config = Config::parse_from(["order-service", "--inventory-url", &inventory.to_string()]);
    let request = Request::post("/api/orders")
        .header("x-request-id", "r-81")
        .body(Body::from(body.to_owned()));
    bench
        .app(routes(&bench.kit, &config))
        .oneshot(request.unwrap())
        .await
        .unwrap()
}

/// The real inventory, with a delay.
fn inventory(delay: &str) -> Routes {
    inventory_service::routes(&inventory_service::Config::parse_from([
        "inventory",
        "--response-delay",
        delay,
    ]))
}

async fn body_of(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

/// Checks an order that fails: the problem for the caller, and the `create-order` span.
async fn check_failure(
    bench: &Bench,
    response: Response,
    status: StatusCode,
    kind: &str,
    error_type: &str,
) -> Problem {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Problem = serde_json::from_slice(&body_of(response).await).unwrap();
    assert_eq!(problem.kind, format!("/problems/{kind}"));
    assert_eq!(problem.status, status.as_u16());
    assert_eq!(problem.request_id.as_deref(), Some("r-81"));
    let span = bench.span(&SpanKind::Internal, "create-order");
    assert_eq!(error_of(&span).as_deref(), Some(problem.detail.as_str()));
    assert!(!problem.detail.is_empty() && !problem.title.is_empty());
    assert_eq!(text(&span, "error.type").as_deref(), Some(error_type));
    assert_eq!(attribute(&span, "order.id"), None);
    assert_eq!(attribute(&span, "order.total"), None);
    assert!(bench.spans().iter().all(|span| span.name != "process_order"));
    let server = bench.span(&SpanKind::Server, "POST /api/orders");
    assert_eq!(error_of(&server).is_some(), status.is_server_error());
    problem
}

#[tokio::test]
async fn an_order_whose_context_is_lost_is_processed_in_a_trace_of_its_own() {
    let bench = Bench::new();
    let stock = bench.serve(inventory("0s")).await;
    let url = stock.base.to_string();
    let config = Config::parse_from([
        "order-service",
        "--inventory-url",
        &url,
        "--fault",
        "lose-context",
    ]);
    let request = Request::post("/api/orders").header("x-request-id", "r-81");
    let response = bench
        .app(routes(&bench.kit, &config))
        .oneshot(request.body(Body::from(ORDER)).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let apart = bench.span(&SpanKind::Internal, "process_order");
    let create = bench.span(&SpanKind::Internal, "create-order");
    assert_ne!(apart.span_context.trace_id(), create.span_context.trace_id());
    assert_eq!(apart.parent_span_id, SpanId::INVALID);
    assert_eq!(text(&apart, "throughline.request.id").as_deref(), Some("r-81"));
    assert!(attribute(&create, "order.id").is_some());
}

#[tokio::test]
async fn an_order_is_created_in_one_trace() {
    let bench = Bench::new();
    let stock = bench.serve(inventory("0s")).await;
    let response = place(&bench, &stock.base, ORDER).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let created: Created = serde_json::from_slice(&body_of(response).await).unwrap();
    assert_eq!(created.status, "created");

    let server = bench.span(&SpanKind::Server, "POST /api/orders");
    let create = bench.span(&SpanKind::Internal, "create-order");
    let call = bench.span(&SpanKind::Client, "GET /api/check");
    let check = bench.span(&SpanKind::Server, "GET /api/check");
    let process = bench.span(&SpanKind::Internal, "process_order");
    assert_eq!(bench.spans().len(), 5);
    for (child, parent) in [
        (&create, &server),
        (&call, &create),
        (&check, &call),
        (&process, &create),
    ] {
        assert!(is_child(child, parent), "{} below {}", child.name, parent.name);
    }
    assert_eq!(
        attribute(&create, "order.customer_id"),
        Some("customer-42".into())
    );
    assert_eq!(
        attribute(&create, "order.id"),
        Some(Value::from(created.order_id))
    );
    assert_eq!(attribute(&create, "order.total"), Some(Value::F64(37.5)));
    assert_eq!(attribute(&create, "inventory.available"), Some(Value::Bool(true)));
    assert_eq!(attribute(&create, "order.sku"), Some("WIDGET-001".into()));
    assert_eq!(attribute(&create, "order.quantity"), Some(Value::I64(3)));
    for span in bench.spans() {
        assert_eq!(
            text(&span, "throughline.request.id").as_deref(),
            Some("r-81"),
            "{}",
            span.name
        );
        assert_eq!(error_of(&span), None, "{}", span.name);
    }
    assert!(create.start_time <= process.start_time && process.end_time <= create.end_time);
}

#[rstest]
#[case::no_json("{\"customer_id\":", StatusCode::BAD_REQUEST, "bad-json", "bad_json")]
#[case::empty("", StatusCode::BAD_REQUEST, "bad-json", "bad_json")]
#[case::no_order(
    "{\"sku\":7}",
    StatusCode::UNPROCESSABLE_ENTITY,
    "invalid-order",
    "invalid_order"
)]
#[tokio::test]
async fn what_is_no_order_never_reaches_the_inventory(
    #[case] body: &str,
    #[case] status: StatusCode,
    #[case] kind: &str,
    #[case] error_type: &str,
) {
    let bench = Bench::new();
    let response = place(&bench, &nobody(), body).await;
    check_failure(&bench, response, status, kind, error_type).await;
    assert!(
        bench
            .spans()
            .iter()
            .all(|span| span.span_kind != SpanKind::Client)
    );
}

#[tokio::test]
async fn the_faulty_fields_are_named() {
    let bench = Bench::new();
    let response = place(&bench, &nobody(), r#"{"sku":7}"#).await;
    let problem: Problem = serde_json::from_slice(&body_of(response).await).unwrap();
    let pointers: Vec<&str> = problem
        .errors
        .iter()
        .map(|error| error.pointer.as_str())
        .collect();
    assert_eq!(pointers, ["#/customer_id", "#/sku"]);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_problem() {
    let bench = Bench::new();
    let response = place(&bench, &nobody(), &"x".repeat(3 << 20)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let problem: Problem = serde_json::from_slice(&body_of(response).await).unwrap();
    assert_eq!(problem.kind, "/problems/bad-body");
}

#[tokio::test]
async fn an_unknown_article_is_not_found() {
    let bench = Bench::new();
    let stock = bench.serve(inventory("0s")).await;
    let response = place(&bench, &stock.base, &ORDER.replace("WIDGET-001", "UNICORN-9")).await;
    let problem = check_failure(
        &bench,
        response,
        StatusCode::NOT_FOUND,
        "unknown-sku",
        "unknown_sku",
    )
    .await;
    assert!(problem.detail.contains("UNICORN-9"), "{}", problem.detail);
    assert!(error_of(&bench.span(&SpanKind::Client, "GET /api/check")).is_some());
}

#[tokio::test]
async fn an_article_without_a_price_is_not_for_sale() {
    let bench = Bench::new();
    let answer = || async { Json(serde_json::json!({"sku": "MUG-001", "available": true, "quantity": 9})) };
    let stock = bench
        .serve(stand_in(Router::new().route("/api/check", get(answer))))
        .await;
    let response = place(&bench, &stock.base, &ORDER.replace("WIDGET-001", "MUG-001")).await;
    check_failure(
        &bench,
        response,
        StatusCode::NOT_FOUND,
        "unknown-sku",
        "unknown_sku",
    )
    .await;
}

#[rstest]
#[case::none_left("SOLDOUT-001", false)]
#[case::too_few_left("GIZMO-001", true)]
#[tokio::test]
async fn too_few_pieces_are_a_conflict(#[case] sku: &str, #[case] available: bool) {
    let bench = Bench::new();
    let stock = bench.serve(inventory("0s")).await;
    let response = place(&bench, &stock.base, &ORDER.replace("WIDGET-001", sku)).await;
    check_failure(&bench, response, StatusCode::CONFLICT, "sold-out", "sold_out").await;
    let create = bench.span(&SpanKind::Internal, "create-order");
    assert_eq!(
        attribute(&create, "inventory.available"),
        Some(Value::Bool(available))
    );
    assert_eq!(
        attribute(&create, "order.customer_id"),
        Some("customer-42".into())
    );
}

#[tokio::test]
async fn no_inventory_is_a_bad_gateway() {
    let bench = Bench::new();
    let response = place(&bench, &nobody(), ORDER).await;
    let status = StatusCode::BAD_GATEWAY;
    let problem = check_failure(
        &bench,
        response,
        status,
        "upstream-unreachable",
        "connection_refused",
    )
    .await;
    assert!(
        problem.detail.starts_with("inventory-service cannot be reached"),
        "{}",
        problem.detail
    );
}

#[tokio::test]
async fn a_slow_inventory_is_a_gateway_timeout() {
    let bench = Bench::with(Propagation::new(true, true), Duration::from_millis(200));
    let stock = bench.serve(inventory("30s")).await;
    let response = place(&bench, &stock.base, ORDER).await;
    let problem = check_failure(
        &bench,
        response,
        StatusCode::GATEWAY_TIMEOUT,
        "upstream-timeout",
        "timeout",
    )
    .await;
    assert!(problem.detail.contains("200ms"), "{}", problem.detail);
}

#[tokio::test]
async fn an_inventory_that_is_only_a_little_slow_is_waited_for() {
    let bench = Bench::new();
    let stock = bench.serve(inventory("50ms")).await;
    assert_eq!(
        place(&bench, &stock.base, ORDER).await.status(),
        StatusCode::CREATED
    );
    let create = bench.span(&SpanKind::Internal, "create-order");
    assert!(create.end_time.duration_since(create.start_time).unwrap() >= Duration::from_millis(50));
}

fn stand_in(traced: Router) -> Routes {
    Routes {
        traced,
        untraced: Router::new(),
    }
}

#[rstest]
#[case::failing(get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))]
#[case::babbling(get(|| async { "widgets? plenty!" }))]
#[case::another_shape(get(|| async { Json(serde_json::json!({"stock": 3})) }))]
#[tokio::test]
async fn an_inventory_that_gives_no_proper_answer_is_a_bad_gateway(
    #[case] check: axum::routing::MethodRouter,
) {
    let bench = Bench::new();
    let stock = bench
        .serve(stand_in(Router::new().route("/api/check", check)))
        .await;
    let response = place(&bench, &stock.base, ORDER).await;
    check_failure(
        &bench,
        response,
        StatusCode::BAD_GATEWAY,
        "upstream-broken",
        "inventory_answer",
    )
    .await;
}

#[tokio::test]
async fn a_wrong_inventory_url_is_not_taken_for_an_unknown_article() {
    let bench = Bench::new();
    let other = bench.serve(stand_in(Router::new())).await;
    let response = place(&bench, &other.base, ORDER).await;
    check_failure(
        &bench,
        response,
        StatusCode::BAD_GATEWAY,
        "upstream-broken",
        "inventory_answer",
    )
    .await;
}

#[test]
fn everything_in_stock_has_a_price_and_the_other_way_round() {
    let mut priced = PRICES.map(|(sku, _)| sku);
    let mut stocked = inventory_service::STOCK.map(|level| level.sku);
    priced.sort_unstable();
    stocked.sort_unstable();
    assert_eq!(priced, stocked);
}
