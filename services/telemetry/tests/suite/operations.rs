//! `/healthz`, `/readyz`, `/whoami`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::StatusCode;
use serde_json::Value;
use telemetry::testing::Bench;
use telemetry::{Account, Routes, WhoAmI, patience, routes};
use tokio::sync::watch;

use crate::{json, problem, send};

/// The routes of a service, and how to stop it.
fn stoppable(bench: &Bench) -> (Router, watch::Sender<bool>) {
    let (stopping_tx, stopping_rx) = watch::channel(false);
    let app = routes::operations(Arc::clone(&bench.kit.telemetry), stopping_rx);
    (app, stopping_tx)
}

#[tokio::test]
async fn none_of_them_is_traced() {
    let bench = Bench::new();
    for uri in ["/healthz", "/readyz", "/whoami", "/whoami?nonce=7"] {
        let response = send(bench.app(Routes::default()), "GET", uri, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{uri}");
    }
    assert!(bench.spans().is_empty());
    assert_eq!(bench.kit.telemetry.ledger.read().started, 0);
}

#[tokio::test]
async fn a_stopping_service_is_healthy_and_not_ready() {
    let bench = Bench::new();
    let (app, stopping) = stoppable(&bench);
    assert_eq!(
        send(app.clone(), "GET", "/readyz", &[]).await.status(),
        StatusCode::OK
    );
    stopping.send_replace(true);
    assert_eq!(
        send(app.clone(), "GET", "/healthz", &[]).await.status(),
        StatusCode::OK
    );
    let refused = send(app, "GET", "/readyz", &[]).await;
    assert_eq!(problem(refused).await.status, 503);
}

#[tokio::test]
async fn whoami_tells_the_process_and_its_account() {
    let bench = Bench::new();
    send(bench.app(Routes::default()), "GET", "/nothing", &[]).await;
    let response = send(bench.app(Routes::default()), "GET", "/whoami?nonce=a%207", &[]).await;
    let mut answer: Value = json(response).await;
    let started_at = answer["started_at"].take();
    assert!(
        started_at.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(),
        "{started_at}"
    );
    let expected = serde_json::json!({
        "service": "bench",
        "version": "0.0.0",
        "site": null,
        "pid": std::process::id(),
        "instance_id": "i-1",
        "started_at": null,
        "nonce": "a 7",
        "probes": 1,
        "telemetry": {
            "exporter": "memory",
            "propagators": ["tracecontext", "baggage"],
            "sampler": "parentbased_always_on",
            "sampled_out": 0,
            "started": 1,
            "exported": 1,
            "failed": 0,
            "last_error": null,
        },
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn only_questions_with_a_nonce_count_as_probes() {
    let bench = Bench::new();
    for uri in ["/whoami?nonce=1", "/whoami", "/healthz", "/whoami?nonce=2"] {
        send(bench.app(Routes::default()), "GET", uri, &[]).await;
    }
    let response = send(bench.app(Routes::default()), "GET", "/whoami", &[]).await;
    let answer: Value = json(response).await;
    assert_eq!((&answer["nonce"], &answer["probes"]), (&Value::Null, &2.into()));
}

/// For much longer than a test takes.
const WILL_WAIT: [(&str, &str); 1] = [("prefer", "wait=600")];

async fn soon<T>(answer: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, answer).await.expect("an answer")
}

/// As [`stoppable`], with one open span.
fn busy(bench: &Bench) -> (Router, watch::Sender<bool>) {
    bench.kit.telemetry.ledger.started();
    stoppable(bench)
}

async fn account(response: Response) -> Account {
    json::<WhoAmI>(response).await.telemetry
}

#[tokio::test]
async fn who_prefers_to_wait_is_answered_when_the_last_span_is_delivered() {
    let bench = Bench::new();
    let (app, _stopping) = busy(&bench);
    let asked = soon(send(app, "GET", "/whoami", &WILL_WAIT));
    let (response, ()) = tokio::join!(asked, async { bench.kit.telemetry.ledger.exported(1) });
    assert_eq!(account(response).await.pending(), 0);
}

#[tokio::test]
async fn who_prefers_to_wait_is_answered_in_time_all_the_same() {
    let bench = Bench::new();
    let (app, _stopping) = busy(&bench);
    let begun = Instant::now();
    let response = soon(send(app, "GET", "/whoami", &[("prefer", "wait=0")])).await;
    assert!(begun.elapsed() >= patience::SHORTEST);
    assert_eq!(account(response).await.pending(), 1);
}

#[tokio::test]
async fn who_prefers_nothing_is_answered_at_once() {
    let bench = Bench::new();
    let (app, _stopping) = busy(&bench);
    let response = send(app, "GET", "/whoami", &[]).now_or_never();
    assert_eq!(account(response.unwrap()).await.pending(), 1);
}

#[tokio::test]
async fn nobody_who_waits_holds_up_the_end_of_a_service() {
    let bench = Bench::new();
    let (app, stopping) = busy(&bench);
    let asked = soon(send(app, "GET", "/whoami", &WILL_WAIT));
    let (response, _) = tokio::join!(asked, async { stopping.send_replace(true) });
    assert_eq!(account(response).await.pending(), 1);
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_a_problem() {
    let bench = Bench::new();
    let response = send(
        bench.app(Routes::default()),
        "GET",
        "/whoami?nonce=1&nonce=2",
        &[],
    )
    .await;
    assert_eq!(problem(response).await.kind, "/problems/bad-query");
}
