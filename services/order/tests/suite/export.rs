//! Export from the real binary, over each of the three protocols, to a receiver that is well.

use std::time::Duration;

use rstest::rstest;
use telemetry::Account;
use testbed::{Deadline, Probe, wait};

use crate::process::{Inventory, Service};
use crate::receiver::{Receiver, attribute};

/// Spans of one order: server, create-order, client, process_order.
pub(crate) const SPANS: u64 = 4;
/// So long that nothing is exported before the end.
pub(crate) const NEVER: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "600000");
/// At once, nearly.
pub(crate) const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "10");

pub(crate) async fn start(
    inventory: &Inventory,
    endpoint: &str,
    protocol: &str,
    more: &[(&str, &str)],
) -> Service {
    start_with(inventory, endpoint, protocol, more, &[]).await
}

async fn start_with(
    inventory: &Inventory,
    endpoint: &str,
    protocol: &str,
    more: &[(&str, &str)],
    args: &[&str],
) -> Service {
    let mut variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
    ];
    variables.extend(more);
    let mut all = vec!["--inventory-url", inventory.url.as_str()];
    all.extend(args);
    Service::start(&all, &variables).await
}

/// The account once nothing is pending.
pub(crate) async fn settled(service: &Service) -> Account {
    let deadline = Deadline::after(Duration::from_secs(30));
    let account = wait::until(&deadline, "no span pending", || async {
        let account = service.whoami().await.telemetry;
        match account.pending() {
            0 => Probe::<_>::Ready(account),
            pending => Probe::not_yet(format!("{pending} pending in {account:?}")),
        }
    });
    account.await.unwrap()
}

pub(crate) fn counts(account: &Account) -> (u64, u64, u64) {
    (account.started, account.exported, account.failed)
}

#[rstest]
#[case("grpc")]
#[case("http/protobuf")]
#[case("http/json")]
#[tokio::test]
async fn the_end_flushes_what_waits(#[case] protocol: &str) {
    let (inventory, mut receiver) = (Inventory::start().await, Receiver::start().await);
    let more = [
        NEVER,
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.version=local-debug,deployment.environment=debug,service.instance.id=i-7",
        ),
        ("THROUGHLINE_SITE", "workstation"),
        // Quiet logs must not delete spans.
        ("RUST_LOG", "off"),
    ];
    let service = start(&inventory, &receiver.endpoint(), protocol, &more).await;
    assert_eq!(service.order().await, 201);
    let whoami = service.whoami().await;
    assert_eq!(counts(&whoami.telemetry), (SPANS, 0, 0));
    assert!(
        whoami.telemetry.exporter.starts_with(&receiver.endpoint()),
        "{}",
        whoami.telemetry.exporter
    );
    let ended = service.stop().await;
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(ended.stderr, [""; 0]);

    let spans = receiver.spans(SPANS as usize).await;
    let mut names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "GET /api/check",
            "POST /api/orders",
            "create-order",
            "process_order"
        ]
    );
    let create = spans.iter().find(|span| span.name == "create-order").unwrap();
    assert_eq!(attribute(create, "order.total").as_deref(), Some("25"));
    assert_eq!(attribute(create, "inventory.available").as_deref(), Some("true"));
    assert!(
        spans
            .iter()
            .all(|span| span.trace_id == create.trace_id && span.trace_id.len() == 16)
    );
    let pid = whoami.identity.pid.to_string();
    let expected = [
        ("deployment.environment", "debug"),
        ("deployment.environment.name", "debug"),
        ("process.pid", &pid),
        ("service.instance.id", "i-7"),
        ("service.name", "order-service"),
        ("service.version", "local-debug"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("throughline.site", "workstation"),
    ];
    let resource = receiver.resource();
    let seen: Vec<(&str, &str)> = resource
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .filter(|(key, _)| *key != "telemetry.sdk.version")
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_end_says_what_was_flushed() {
    let (inventory, receiver) = (Inventory::start().await, Receiver::start().await);
    let service = start(&inventory, &receiver.endpoint(), "grpc", &[NEVER]).await;
    service.order().await;
    let lines = service.stop().await.stderr;
    assert!(
        lines
            .last()
            .unwrap()
            .ends_with("spans flushed exported=4 failed=0"),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn the_fault_stores_spans_twice_and_counts_them_once() {
    let (inventory, mut receiver) = (Inventory::start().await, Receiver::start().await);
    let args = ["--fault", "export-twice"];
    let mut service = start_with(&inventory, &receiver.endpoint(), "grpc", &[SOON], &args).await;
    service
        .says(&["WARN", "MISBEHAVING ON PURPOSE", "export-twice"])
        .await;
    service.order().await;
    assert_eq!(counts(&settled(&service).await), (SPANS, SPANS, 0));
    assert_eq!(receiver.spans(2 * SPANS as usize).await.len() as u64, 2 * SPANS);
}

#[tokio::test]
async fn the_fault_counts_spans_as_exported_and_loses_them() {
    let (inventory, mut receiver) = (Inventory::start().await, Receiver::start().await);
    let service = start_with(
        &inventory,
        &receiver.endpoint(),
        "grpc",
        &[SOON],
        &["--fault", "lose-spans"],
    )
    .await;
    service.order().await;
    assert_eq!(counts(&settled(&service).await), (SPANS, SPANS, 0));
    service.stop().await;
    assert!(receiver.spans(0).await.is_empty());
}

#[tokio::test]
async fn without_an_exporter_no_span_stays_pending() {
    let inventory = Inventory::start().await;
    let more = [("OTEL_TRACES_EXPORTER", "none")];
    let service = start(&inventory, "http://127.0.0.1:1", "grpc", &more).await;
    service.order().await;
    let account = settled(&service).await;
    assert_eq!(
        (account.exporter.as_str(), counts(&account)),
        ("none", (SPANS, 0, SPANS))
    );
    assert!(
        service
            .stop()
            .await
            .stderr
            .iter()
            .all(|line| !line.contains("WARN"))
    );
}
