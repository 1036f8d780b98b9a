//! The stock question, and the delay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use axum::body::Body;
use clap::Parser;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use inventory_service::{Config, Stock, routes};
use opentelemetry::trace::SpanKind;
use rstest::rstest;
use telemetry::Problem;
use telemetry::testing::{Bench, error_of, text};
use tower::ServiceExt;

async fn ask(bench: &Bench, args: &[&str], uri: &str) -> (StatusCode, Vec<u8>) {
    let config = Config::parse_from([&["inventory-service"], args].concat());
    let request = Request::get(uri)
        .header("x-request-id", "r-81")
        .body(Body::empty())
        .unwrap();
    let response = bench.app(routes(&config)).oneshot(request).await.unwrap();
    let status = response.status();
    (
        status,
        response.into_body().collect().await.unwrap().to_bytes().to_vec(),
    )
}

#[rstest]
#[case("WIDGET-001", true, 1000)]
#[case("GIZMO-001", true, 2)]
#[case("SOLDOUT-001", false, 0)]
#[tokio::test]
async fn a_known_article_has_a_stock_level(
    #[case] sku: &str,
    #[case] available: bool,
    #[case] quantity: u32,
) {
    let bench = Bench::new();
    let (status, body) = ask(&bench, &[], &format!("/api/check?sku={sku}")).await;
    assert_eq!(status, StatusCode::OK);
    let expected = serde_json::json!({"sku": sku, "available": available, "quantity": quantity});
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
        expected
    );
    let span = bench.span(&SpanKind::Server, "GET /api/check");
    assert_eq!(error_of(&span), None);
    assert_eq!(text(&span, "throughline.request.id").as_deref(), Some("r-81"));
}

#[test]
fn the_answer_reads_back() {
    let stock = Stock {
        sku: "WIDGET-001".to_owned(),
        available: true,
        quantity: 1,
    };
    let text = serde_json::to_string(&stock).unwrap();
    assert_eq!(serde_json::from_str::<Stock>(&text).unwrap(), stock);
}

#[rstest]
#[case::unknown("/api/check?sku=UNICORN-9", StatusCode::NOT_FOUND, "unknown-sku")]
#[case::no_sku("/api/check", StatusCode::BAD_REQUEST, "missing-sku")]
#[case::empty_sku("/api/check?sku=", StatusCode::BAD_REQUEST, "missing-sku")]
#[case::two_skus("/api/check?sku=A&sku=B", StatusCode::BAD_REQUEST, "bad-query")]
#[tokio::test]
async fn other_questions_are_problems(#[case] uri: &str, #[case] status: StatusCode, #[case] kind: &str) {
    let bench = Bench::new();
    let (answered, body) = ask(&bench, &[], uri).await;
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (answered, problem.kind.as_str()),
        (status, format!("/problems/{kind}").as_str())
    );
    assert_eq!(problem.request_id.as_deref(), Some("r-81"));
}

#[tokio::test]
async fn the_delay_comes_before_the_answer() {
    let bench = Bench::new();
    let begun = Instant::now();
    let (status, _) = ask(&bench, &["--response-delay", "30ms"], "/api/check?sku=WIDGET-001").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        begun.elapsed() >= Duration::from_millis(30),
        "{:?}",
        begun.elapsed()
    );
}
