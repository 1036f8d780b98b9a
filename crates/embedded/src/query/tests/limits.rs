//! No request makes an answer larger than it may be.

use http::{Method, StatusCode};
use serde_json::Value;

use super::{Bed, ORDER, SHORT, V3_WINDOW, WINDOW};
use crate::query::QueryOptions;
use crate::store::Limits;

fn small() -> Bed {
    let options = QueryOptions {
        answer_spans: 4,
        trace_ids: 2,
        transform_bytes: 64,
        concurrent_answers: 0,
        ..QueryOptions::default()
    };
    let bed = Bed::with(options, Limits::default());
    bed.insert(super::ORDERS);
    bed
}

#[tokio::test]
async fn a_long_trace_is_cut_short_and_says_so() {
    let answer = small().json(&format!("/api/traces/{ORDER}")).await;
    let spans = answer["data"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 4);
    assert_eq!(
        spans[0]["warnings"][0],
        "trace has more than 4 spans, showing first 4 spans only"
    );
}

#[tokio::test]
async fn a_long_answer_that_cannot_say_so_fails() {
    let bed = small();
    let too_long = (500, "the answer would have more than 4 spans".to_owned());
    assert_eq!(
        bed.get(&format!("/api/traces/{ORDER}?raw=true"))
            .await
            .legacy_error(),
        too_long
    );
    assert_eq!(
        bed.get(&format!("/api/v3/traces/{ORDER}?rawTraces=true"))
            .await
            .v3_error(),
        too_long
    );
    assert_eq!(
        bed.get(&format!("/api/traces?service=storefront&{WINDOW}"))
            .await
            .legacy_error(),
        too_long
    );
    assert_eq!(
        bed.get(&format!("/api/v3/traces?{V3_WINDOW}")).await.v3_error(),
        too_long
    );
    let narrow = bed
        .json(&format!("/api/traces?service=storefront&{WINDOW}&limit=1"))
        .await;
    assert_eq!(narrow["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_names_a_limited_number_of_traces() {
    let bed = small();
    assert!(
        bed.get(&format!("/api/traces?traceID={SHORT}&traceID=1"))
            .await
            .status
            .is_success()
    );
    let reply = bed.get("/api/traces?traceID=1&traceID=2&traceID=3").await;
    assert_eq!(
        reply.legacy_error(),
        (400, "more than 2 traceID params".to_owned())
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    let reply = small().ask(Method::POST, "/api/transform", " ".repeat(65)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["errors"][0]["code"], 413);
}

#[tokio::test]
async fn a_store_of_few_traces_refuses_to_search_deeper() {
    let bed = Bed::with(
        QueryOptions::default(),
        Limits {
            traces: 50,
            ..Limits::default()
        },
    );
    let message = "search depth must be greater than 0 and less than max traces".to_owned();
    assert_eq!(
        bed.get("/api/traces?service=a").await.legacy_error(),
        (500, message),
        "the default is 100"
    );
    assert!(
        bed.get("/api/traces?service=a&limit=50")
            .await
            .status
            .is_success()
    );
}
