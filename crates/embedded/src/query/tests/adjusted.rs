//! What Jaeger changes in a trace that is not wanted raw, and that the store keeps it as it came.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bed, HALF, ORDER};
use crate::query::QueryOptions;
use crate::store::Limits;

fn span(id: &str, parent: &str, kind: u8, start: u64, end: u64) -> Value {
    json!({"traceId": ORDER, "spanId": id, "parentSpanId": parent, "name": id, "kind": kind,
           "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string()})
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn with(mut span: Value, field: &str, value: Value) -> Value {
    span[field] = value;
    span
}

/// The trace as v3 shows it, adjusted.
async fn groups(bed: &Bed) -> Vec<Value> {
    let answer = bed.json(&format!("/api/v3/traces/{ORDER}")).await;
    answer["result"]["resourceSpans"].as_array().unwrap().clone()
}

/// Its spans.
async fn spans(bed: &Bed) -> Vec<Value> {
    let spans = |group: &Value| group["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    groups(bed).await.iter().flat_map(spans).collect()
}

/// A span's warnings in the legacy form, by span id.
async fn warnings(bed: &Bed) -> Vec<(String, Vec<String>)> {
    let answer = bed.json(&format!("/api/traces/{ORDER}")).await;
    let spans = answer["data"][0]["spans"].as_array().unwrap();
    let texts = |list: &Value| {
        list.as_array()
            .into_iter()
            .flatten()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    spans
        .iter()
        .map(|span| {
            (
                span["spanID"].as_str().unwrap()[14..].to_owned(),
                texts(&span["warnings"]),
            )
        })
        .collect()
}

fn warned(id: &str, texts: &[&str]) -> (String, Vec<String>) {
    (
        id.to_owned(),
        texts.iter().map(|text| (*text).to_owned()).collect(),
    )
}

const A1: &str = "00000000000000a1";
const A2: &str = "00000000000000a2";
const A3: &str = "00000000000000a3";
const A4: &str = "00000000000000a4";

#[tokio::test]
async fn a_warning_about_a_missing_parent_goes_when_the_parent_comes() {
    let bed = Bed::empty();
    bed.insert_spans("child", &json!([span(A2, A1, 1, 2_000, 3_000)]));
    let orphan = format!("parent span ID={A1} is not in the trace; skipping clock skew adjustment");
    for _ in 0..3 {
        assert_eq!(
            warnings(&bed).await,
            [warned("a2", &[&orphan])],
            "one warning, however often it is fetched"
        );
        assert_eq!(spans(&bed).await.len(), 1);
    }
    let raw = bed.json(&format!("/api/traces/{ORDER}?raw=true")).await;
    assert_eq!(raw["data"][0]["spans"][0]["warnings"], json!(null));
    bed.insert_spans("parent", &json!([span(A1, "", 1, 1_000, 4_000)]));
    assert_eq!(warnings(&bed).await, [warned("a2", &[]), warned("a1", &[])]);
}

#[tokio::test]
async fn a_server_span_with_its_clients_id_gets_one_of_its_own() {
    let bed = Bed::empty();
    let first = "0000000000000001";
    bed.insert_spans(
        "client",
        &json!([span(A1, "", 3, 1, 9), span(first, A1, 1, 2, 3)]),
    );
    bed.insert_spans("server", &json!([span(A1, "", 2, 2, 8), span(A2, A1, 1, 3, 7)]));
    let found = spans(&bed).await;
    let relations: Vec<_> = found
        .iter()
        .map(|span| (span["spanId"].as_str().unwrap(), span["parentSpanId"].as_str()))
        .collect();
    let second = "0000000000000002";
    assert_eq!(
        relations,
        [
            (A1, None),
            (first, Some(second)),
            (second, Some(A1)),
            (A2, Some(second))
        ]
    );
}

#[tokio::test]
async fn collections_are_sorted_by_name() {
    let bed = Bed::empty();
    let unsorted = json!([text("z", "1"), text("a", "1"), text("z", "2")]);
    let sorted = json!([text("a", "1"), text("z", "2")]);
    let mut one = with(span(A1, "", 1, 1, 9), "attributes", unsorted.clone());
    one["events"] = json!([{"timeUnixNano": "1", "name": "z"}, {"timeUnixNano": "2", "name": "a", "attributes": unsorted}]);
    one["links"] = json!([{"traceId": HALF, "spanId": A2, "attributes": unsorted}]);
    bed.insert_group(
        &json!([text("z", "1"), text("service.name", "s"), text("a", "1")]),
        &json!([one]),
    );
    let group = &groups(&bed).await[0];
    let span = &group["scopeSpans"][0]["spans"][0];
    assert_eq!(span["attributes"], sorted);
    assert_eq!(
        (&span["events"][0]["name"], &span["events"][0]["attributes"]),
        (&json!("a"), &sorted)
    );
    assert_eq!(span["links"][0]["attributes"], sorted);
    assert_eq!(
        group["resource"]["attributes"],
        json!([text("a", "1"), text("service.name", "s"), text("z", "1")])
    );
    let raw = bed.json(&format!("/api/v3/traces/{ORDER}?rawTraces=true")).await;
    let raw = &raw["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(
        (&raw["attributes"], &raw["events"][0]["name"]),
        (&unsorted, &json!("z"))
    );
}

#[tokio::test]
async fn exact_copies_are_dropped_and_near_ones_are_not() {
    let bed = Bed::empty();
    let reordered = |a: &str, b: &str| {
        with(
            span(A1, "", 1, 1, 9),
            "attributes",
            json!([text(a, "1"), text(b, "1")]),
        )
    };
    bed.insert_spans(
        "s",
        &json!([reordered("a", "b"), reordered("b", "a"), span(A2, A1, 1, 1, 9)]),
    );
    bed.insert_spans("s", &json!([span(A2, A1, 1, 1, 9), span(A2, A1, 1, 1, 8)]));
    bed.insert_spans("other", &json!([span(A2, A1, 1, 1, 9)]));
    let ids: Vec<_> = spans(&bed)
        .await
        .iter()
        .map(|span| span["spanId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, [A1, A2, A2, A2]);
    let raw = bed.json(&format!("/api/traces/{ORDER}?raw=true")).await;
    assert_eq!(raw["data"][0]["spans"].as_array().unwrap().len(), 6);
    let duplicate = "duplicate span IDs; skipping clock skew adjustment";
    assert_eq!(
        warnings(&bed).await[2..],
        [warned("a2", &[duplicate]), warned("a2", &[duplicate])]
    );
}

/// A parent on one host from 1 to 2 ms; on another host a child that begins too early, one that outlives it, and one
/// of an unnamed host within it.
fn skewed(max_clock_skew: Duration) -> Bed {
    let bed = Bed::with(
        QueryOptions {
            max_clock_skew,
            ..QueryOptions::default()
        },
        Limits::default(),
    );
    let host = |name: &str| json!([text("service.name", "s"), text("host.name", name)]);
    bed.insert_group(&host("h1"), &json!([span(A1, "", 2, 1_000_000, 2_000_000)]));
    let early = with(
        span(A2, A1, 2, 500_000, 600_000),
        "events",
        json!([{"timeUnixNano": "550000", "name": "e"}]),
    );
    bed.insert_group(&host("h2"), &json!([early, span(A3, A1, 2, 900_000, 2_100_000)]));
    bed.insert_spans("s", &json!([span(A4, A2, 1, 510_000, 520_000)]));
    bed
}

#[tokio::test]
async fn clocks_are_left_alone_unless_allowed_and_what_they_are_off_is_said() {
    let bed = skewed(Duration::ZERO);
    let said =
        |delta: &str| format!("clock skew adjustment disabled; not applying calculated delta of {delta}");
    // The early one would go to the middle of its parent, the long one to its parent's start.
    assert_eq!(
        warnings(&bed).await,
        [
            warned("a1", &[]),
            warned("a2", &[&said("950µs")]),
            warned("a3", &[&said("100µs")]),
            warned("a4", &[])
        ]
    );
    assert_eq!(spans(&bed).await[1]["startTimeUnixNano"], "500000");
}

#[tokio::test]
async fn clocks_are_corrected_up_to_the_limit() {
    let bed = skewed(Duration::from_millis(1));
    let moved = |delta: &str| format!("This span's timestamps were adjusted by {delta}");
    let found = spans(&bed).await;
    let times = |span: &Value| {
        (
            span["startTimeUnixNano"].as_str().unwrap().to_owned(),
            span["endTimeUnixNano"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(times(&found[1]), ("1450000".to_owned(), "1550000".to_owned()));
    assert_eq!(found[1]["events"][0]["timeUnixNano"], "1500000");
    // A child of an unnamed host is compared with its parent where that is now.
    assert_eq!(times(&found[3]), ("1495000".to_owned(), "1505000".to_owned()));
    assert_eq!(
        warnings(&bed).await[1..],
        [
            warned("a2", &[&moved("950µs")]),
            warned("a3", &[&moved("100µs")]),
            warned("a4", &[&moved("985µs")])
        ]
    );

    let limited = skewed(Duration::from_micros(200));
    let exceeded =
        "max clock skew adjustment delta of 200µs exceeded; not applying calculated delta of 950µs";
    assert_eq!(
        warnings(&limited).await[1..3],
        [warned("a2", &[exceeded]), warned("a3", &[&moved("100µs")])]
    );
}

#[tokio::test]
async fn addresses_that_are_numbers_are_spelled_out() {
    let bed = Bed::empty();
    let attributes = json!([
        {"key": "ip", "value": {"intValue": "2130706433"}},
        {"key": "peer.ipv4", "value": {"intValue": "-1"}},
        {"key": "peer.port", "value": {"intValue": "80"}},
    ]);
    bed.insert_spans(
        "s",
        &json!([with(span(A1, "", 1, 1, 9), "attributes", attributes)]),
    );
    assert_eq!(
        spans(&bed).await[0]["attributes"],
        json!([text("ip", "127.0.0.1"), text("peer.ipv4", "255.255.255.255"), {"key": "peer.port", "value": {"intValue": "80"}}])
    );
}

#[tokio::test]
async fn what_a_span_says_of_its_library_goes_to_its_process() {
    let bed = Bed::empty();
    let language = |name: &str| text("telemetry.sdk.language", name);
    let agrees = with(
        span(A1, "", 1, 1, 9),
        "attributes",
        json!([language("rust"), text("telemetry.distro.name", "d")]),
    );
    let disagrees = with(span(A2, A1, 1, 2, 3), "attributes", json!([language("go")]));
    bed.insert_group(
        &json!([text("service.name", "s"), language("rust")]),
        &json!([agrees, disagrees]),
    );
    let group = &groups(&bed).await[0];
    assert_eq!(
        group["resource"]["attributes"],
        json!([
            text("service.name", "s"),
            language("rust"),
            text("telemetry.distro.name", "d")
        ])
    );
    let spans = &group["scopeSpans"][0]["spans"];
    assert_eq!(spans[0]["attributes"], json!(null));
    assert_eq!(spans[1]["attributes"][0], language("go"));
    let conflict = "conflicting values between Span and Resource for attribute telemetry.sdk.language";
    assert_eq!(warnings(&bed).await[1], warned("a2", &[conflict]));
}

#[tokio::test]
async fn links_to_nowhere_are_removed() {
    let bed = Bed::empty();
    let links = json!([{"spanId": A2}, {"traceId": HALF, "spanId": A2}, {}]);
    bed.insert_spans("s", &json!([with(span(A1, "", 1, 1, 9), "links", links)]));
    let removed = "Invalid span link removed";
    assert_eq!(warnings(&bed).await, [warned("a1", &[removed, removed])]);
    assert_eq!(
        spans(&bed).await[0]["links"],
        json!([{"traceId": HALF, "spanId": A2}])
    );
}

#[tokio::test]
async fn a_very_deep_trace_and_a_circle_are_adjusted_too() {
    let bed = Bed::empty();
    let id = |number: u64| format!("{number:016x}");
    let chain: Vec<Value> = (1..10_000)
        .map(|number| span(&id(number), &id(number - 1), 1, number, 50_000 - number))
        .collect();
    bed.insert_spans("s", &json!(chain));
    bed.insert_spans(
        "s",
        &json!([
            span("00000000000fffff", "00000000000ffffe", 1, 1, 9),
            span("00000000000ffffe", "00000000000fffff", 1, 1, 9)
        ]),
    );
    assert_eq!(spans(&bed).await.len(), 10_001);
}
