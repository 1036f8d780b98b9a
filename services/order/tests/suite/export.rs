//! Export from the real binary, over each of the three protocols, to a receiver that is well, refuses, hangs, or is not
//! there.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rstest::rstest;
use telemetry::Account;
use testbed::{Deadline, Probe, wait};

use crate::process::{Inventory, Service};
use crate::receiver::{Manners, Receiver, attribute};

const PROTOCOLS: [&str; 3] = ["grpc", "http/protobuf", "http/json"];
/// Spans of one order: server, create-order, client, process_order.
const SPANS: u64 = 4;
/// So long that nothing is exported before the end.
const NEVER: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "600000");
/// At once, nearly.
const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "10");

async fn start(inventory: &Inventory, endpoint: &str, protocol: &str, more: &[(&str, &str)]) -> Service {
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
async fn settled(service: &Service) -> Account {
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

fn counts(account: &Account) -> (u64, u64, u64) {
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

// All protocols at once, here and below where an export waits: one after the other they would take three times as long.
#[tokio::test]
async fn a_receiver_that_is_not_there_is_told_once_and_delays_nothing() {
    join_all(PROTOCOLS.map(check_absence)).await;
}

async fn check_absence(protocol: &str) {
    let inventory = Inventory::start().await;
    // Its port is free again, and taken again below.
    let address = Receiver::start().await.endpoint();
    let mut service = start(&inventory, &address, protocol, &[SOON]).await;
    let begun = Instant::now();
    assert_eq!(service.order().await, 201);
    // An export takes at least 0.7 s here, because of its retries.
    assert!(
        begun.elapsed() < Duration::from_millis(600),
        "{:?}",
        begun.elapsed()
    );
    let told = service.says(&["WARN", "spans cannot be exported"]).await;
    assert!(told.contains(&address) && told.contains("refused"), "{told}");
    let first = settled(&service).await;
    assert_eq!(counts(&first), (SPANS, 0, SPANS), "{protocol}");
    assert!(
        first.last_error.as_deref().unwrap().contains("refused"),
        "{first:?}"
    );
    // A second export fails in the same way, and is not told.
    assert_eq!(service.order().await, 201);
    assert_eq!(counts(&settled(&service).await), (2 * SPANS, 0, 2 * SPANS));

    let mut receiver = Receiver::start_at(address.trim_start_matches("http://").parse().unwrap()).await;
    assert_eq!(service.order().await, 201);
    service
        .says(&["INFO", "spans are exported again", "given_up=8"])
        .await;
    assert_eq!(counts(&settled(&service).await), (3 * SPANS, SPANS, 2 * SPANS));
    assert_eq!(receiver.spans(SPANS as usize).await.len() as u64, SPANS);
    let lines = service.stop().await.stderr;
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"))
        .collect();
    assert_eq!(told.len(), 1, "{protocol}: {lines:#?}");
}

#[rstest]
#[case("grpc")]
#[case("http/protobuf")]
#[case("http/json")]
#[tokio::test]
async fn spans_that_the_receiver_rejects_are_given_up(#[case] protocol: &str) {
    let (inventory, receiver) = (Inventory::start().await, Receiver::start().await);
    receiver.behave(Manners::Reject(1));
    // One batch of exactly one order.
    let more = [
        NEVER,
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
    ];
    let mut service = start(&inventory, &receiver.endpoint(), protocol, &more).await;
    service.order().await;
    let account = settled(&service).await;
    assert_eq!(counts(&account), (SPANS, SPANS - 1, 1));
    assert_eq!(
        account.last_error.as_deref(),
        Some("refused by the receiver: too plain")
    );
    service.says(&["WARN", "too plain"]).await;

    // Nothing rejected, and a message: that is a warning, and the spans were taken.
    receiver.behave(Manners::Reject(0));
    service.order().await;
    assert_eq!(counts(&settled(&service).await), (2 * SPANS, 2 * SPANS - 1, 1));
}

#[rstest]
#[case("grpc", "PermissionDenied")]
#[case("http/protobuf", "403")]
#[case("http/json", "403")]
#[tokio::test]
async fn a_receiver_that_refuses_is_told_with_its_answer(#[case] protocol: &str, #[case] answer: &str) {
    let (inventory, receiver) = (Inventory::start().await, Receiver::start().await);
    receiver.behave(Manners::Refuse);
    let mut service = start(&inventory, &receiver.endpoint(), protocol, &[SOON]).await;
    service.order().await;
    let account = settled(&service).await;
    assert_eq!(counts(&account), (SPANS, 0, SPANS));
    assert!(
        account.last_error.as_deref().unwrap().contains(answer),
        "{account:?}"
    );
    service.says(&["WARN", "spans cannot be exported", answer]).await;
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_request_and_the_end_by_three_seconds() {
    join_all(PROTOCOLS.map(check_hanging)).await;
}

async fn check_hanging(protocol: &str) {
    let (inventory, receiver) = (Inventory::start().await, Receiver::start().await);
    receiver.behave(Manners::Hang);
    let more = [SOON, ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000")];
    let service = start(&inventory, &receiver.endpoint(), protocol, &more).await;
    for _ in 0..3 {
        assert_eq!(service.order().await, 201);
    }
    assert_eq!(service.whoami().await.telemetry.pending(), 3 * SPANS);
    let begun = Instant::now();
    let ended = service.stop().await;
    assert_eq!(ended.status.code(), Some(0));
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(3) && took < Duration::from_secs(10),
        "{took:?}"
    );
    let last = ended.stderr.last().unwrap();
    assert!(
        last.contains("spans flushed, not all of them exported=0"),
        "{last}"
    );
}

#[tokio::test]
async fn more_spans_than_fit_are_given_up_and_told_once() {
    let (inventory, receiver) = (Inventory::start().await, Receiver::start().await);
    receiver.behave(Manners::Hang);
    let more = [
        SOON,
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000"),
    ];
    let mut service = start(&inventory, &receiver.endpoint(), "grpc", &more).await;
    for _ in 0..5 {
        service.order().await;
    }
    let account = service.whoami().await.telemetry;
    // One batch of at most four is under way, and four wait.
    assert!(
        account.failed >= 5 * SPANS - 8 && account.pending() <= 8,
        "{account:?}"
    );
    assert_eq!(account.started, 5 * SPANS);
    assert_eq!(
        account.last_error.as_deref(),
        Some("dropped: the queue of 4 spans is full")
    );
    service.says(&["WARN", "spans are dropped", "queue=4"]).await;
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
