//! Export to a receiver that is not there, refuses, hangs, or is too slow for what comes.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rstest::rstest;

use crate::export::{NEVER, SOON, SPANS, counts, settled, start};
use crate::process::Inventory;
use crate::receiver::{Absent, Manners, Receiver};

const PROTOCOLS: [&str; 3] = ["grpc", "http/protobuf", "http/json"];

// All protocols at once, here and below where an export waits: one after the other they would take three times as long.
#[tokio::test]
async fn a_receiver_that_is_not_there_is_told_once() {
    join_all(PROTOCOLS.map(check_absence)).await;
}

async fn check_absence(protocol: &str) {
    let inventory = Inventory::start().await;
    let absent = Absent::reserve();
    let address = absent.endpoint();
    let mut service = start(&inventory, &address, protocol, &[SOON]).await;
    assert_eq!(service.order().await, 201);
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

    let mut receiver = absent.arrive();
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
    // The export does not come back before its ten minutes are over, and orders do.
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
