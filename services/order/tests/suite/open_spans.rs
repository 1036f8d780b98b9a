//! Open spans from the real binary: visible before anything is exported, counted nowhere, and in nobody's way.

use rstest::rstest;

use crate::export::{NEVER, SPANS, counts, start};
use crate::process::Inventory;
use crate::receiver::{Receiver, attribute};

const NAMES: [&str; 4] = [
    "GET /api/check",
    "POST /api/orders",
    "create-order",
    "process_order",
];

#[rstest]
#[case("grpc")]
#[case("http/protobuf")]
#[case("http/json")]
#[tokio::test]
async fn every_span_is_there_while_it_is_open_and_none_is_counted(#[case] protocol: &str) {
    let (inventory, mut receiver) = (Inventory::start().await, Receiver::start().await);
    let more = [NEVER, ("THROUGHLINE_OPEN_SPANS", "same-id")];
    let service = start(&inventory, &receiver.endpoint(), protocol, &more).await;
    assert_eq!(service.order().await, 201);
    // They were acknowledged before the order was answered, and the spans themselves are not exported before the end.
    let mut open = receiver.spans(SPANS as usize).await;
    open.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<&str> = open.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, NAMES);
    for span in &open {
        assert_eq!(attribute(span, "throughline.pending").as_deref(), Some("true"));
        assert!(
            attribute(span, "throughline.request.id").is_some(),
            "{}",
            span.name
        );
        assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 1_000);
    }
    assert_eq!(counts(&service.whoami().await.telemetry), (SPANS, 0, 0));
    assert_eq!(service.stop().await.status.code(), Some(0));
    let all = receiver.spans(2 * SPANS as usize).await;
    assert_eq!(all.len(), 2 * SPANS as usize);
    // Each finished span has the id of its record.
    for record in &open {
        assert_eq!(
            all.iter().filter(|span| span.span_id == record.span_id).count(),
            2
        );
    }
}

#[tokio::test]
async fn a_store_that_keeps_both_gets_a_child_of_the_open_span() {
    let (inventory, mut receiver) = (Inventory::start().await, Receiver::start().await);
    let more = [NEVER, ("THROUGHLINE_OPEN_SPANS", "child")];
    let service = start(&inventory, &receiver.endpoint(), "grpc", &more).await;
    assert_eq!(service.order().await, 201);
    assert_eq!(service.stop().await.status.code(), Some(0));
    let all = receiver.spans(2 * SPANS as usize).await;
    let (open, finished): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|span| attribute(span, "throughline.pending").is_some());
    assert_eq!((open.len(), finished.len()), (SPANS as usize, SPANS as usize));
    for record in open {
        let parent = finished.iter().find(|span| span.span_id == record.parent_span_id);
        let parent = parent.unwrap_or_else(|| panic!("{} has no parent", record.name));
        assert_eq!(record.name, format!("{} (open)", parent.name));
        assert_eq!(record.trace_id, parent.trace_id);
    }
}

#[tokio::test]
async fn nothing_more_is_sent_unless_it_is_asked_for() {
    let (inventory, mut receiver) = (Inventory::start().await, Receiver::start().await);
    let service = start(&inventory, &receiver.endpoint(), "grpc", &[NEVER]).await;
    assert_eq!(service.order().await, 201);
    assert_eq!(service.stop().await.status.code(), Some(0));
    assert_eq!(receiver.spans(SPANS as usize).await.len(), SPANS as usize);
}

#[tokio::test]
async fn without_a_receiver_orders_are_served_all_the_same() {
    let inventory = Inventory::start().await;
    let more = [NEVER, ("THROUGHLINE_OPEN_SPANS", "same-id")];
    // Nothing listens on the discard port of loopback.
    let service = start(&inventory, "http://127.0.0.1:9", "grpc", &more).await;
    for _ in 0..3 {
        assert_eq!(service.order().await, 201);
    }
}
