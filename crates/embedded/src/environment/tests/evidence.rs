//! What the environment brings home: the accounts of its processes, the stored spans and the counters.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use testbed::{Environment, Tell};
use trace::Site;

use super::{Stage, answering, serve};

#[tokio::test]
async fn brings_the_accounts_of_processes_that_can_be_asked_and_waits_for_no_other() {
    let stage = Stage::new();
    let mut config = stage.stand_ins().await;
    let hanging = Router::new()
        .route("/readyz", get(|| async {}))
        .route("/whoami", get(|| async { std::future::pending::<&str>().await }));
    config.binaries.order = stage.announcing("hanging", serve(hanging).await);
    let odd = Router::new()
        .route("/readyz", get(|| async {}))
        .fallback(|| async { "odd" });
    config.binaries.storefront = stage.announcing("odd", serve(odd).await);
    let (environment, _) = stage.up(config).await;
    let asked = Instant::now();
    let accounts = environment.accountant()(Tell::OnceDelivered).await;
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    let account = &accounts[0];
    assert_eq!(
        (account.service.as_str(), account.site, account.pid),
        ("inventory-service", Site::Cluster, 7)
    );
    assert_eq!(
        (
            account.started,
            account.exported,
            account.failed,
            account.pending()
        ),
        (3, 2, 1, 0)
    );
    assert_eq!(account.last_error.as_deref(), Some("refused"));
    stage.finish().await;
}

#[tokio::test]
async fn asks_processes_for_their_accounts_as_they_are_or_once_they_have_delivered() {
    let stage = Stage::new();
    let (environment, _) = stage.up(stage.stand_ins().await).await;
    for (tell, wait) in [(Tell::Now, "none"), (Tell::OnceDelivered, "wait=1")] {
        let accounts = environment.accountant()(tell).await;
        let waits: Vec<_> = accounts.iter().map(|account| account.exporter.as_str()).collect();
        assert_eq!(waits, [wait; 3]);
    }
    stage.finish().await;
}

#[tokio::test]
async fn collects_the_stored_spans_and_the_counters() {
    let stage = Stage::new();
    let (environment, endpoints) = stage.up(stage.stand_ins().await).await;
    let spans = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order-service"}}]},
        "scopeSpans": [{"spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": "create-order",
            "kind": 1, "startTimeUnixNano": "1", "endTimeUnixNano": "2",
            "attributes": [
                {"key": "http.request.header.authorization", "value": {"stringValue": "Token hunter2"}},
                {"key": "url.full", "value": {"stringValue": "http://me:hunter2@host/"}},
                {"key": "order.items", "value": {"intValue": "2"}},
            ],
        }]}],
    }]});
    let export = reqwest::Client::new()
        .post(format!("{}/v1/traces", endpoints.otlp_http))
        .json(&spans);
    assert_eq!(export.send().await.unwrap().status(), 200);
    answering(&stage, None).await;
    let into = stage.run.dir().file("evidence");
    let collected = environment.collect(&into).await;
    let read = |file: &str| {
        let path = Path::new("evidence").join(file);
        assert!(
            collected.iter().any(|collected| collected.path == path),
            "{collected:?}"
        );
        fs::read_to_string(stage.run.dir().file(path)).unwrap()
    };
    let line: Value = serde_json::from_str(read("spans.jsonl").lines().next().unwrap()).unwrap();
    let span = &line["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(
        (&span["name"], &span["spanId"]),
        (&"create-order".into(), &"00f067aa0ba902b7".into())
    );
    let attributes = &span["attributes"];
    assert_eq!(attributes[0]["value"]["stringValue"], "[redacted]");
    assert_eq!(attributes[1]["value"]["stringValue"], "http://[redacted]@host/");
    assert_eq!(attributes[2]["value"]["intValue"], "2");
    let counters: Value = serde_json::from_str(&read("counters.json")).unwrap();
    assert_eq!(counters["receiver"]["accepted_requests"], 1);
    assert_eq!(counters["store"]["spans"], 1);
    assert_eq!(counters["services"]["order-service"]["to_pod"], 1);
    stage.finish().await;
}
