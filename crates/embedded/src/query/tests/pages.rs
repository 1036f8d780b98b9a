//! What people see.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::json;

use super::{Bed, ORDER};

#[rstest]
#[case(Method::GET, "/")]
#[case(Method::GET, "/search?service=a")]
#[case(Method::GET, "/jaeger/api/services")]
#[case(Method::POST, "/anything")]
#[tokio::test]
async fn every_path_outside_of_the_api_is_the_start_page(#[case] method: Method, #[case] uri: &str) {
    let reply = Bed::with_orders().ask(method, uri, "").await;
    assert_eq!(
        (reply.status, reply.content_type.as_str()),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    assert!(
        reply.body.starts_with("<!doctype html>") && reply.body.contains("10 spans of 4 traces"),
        "{}",
        reply.body
    );
    assert!(
        reply.body.contains("/api/traces?service=%69%6E%76"),
        "services are linked"
    );
}

#[tokio::test]
async fn a_trace_is_drawn_as_a_tree() {
    let page = Bed::with_orders().get(&format!("/trace/{ORDER}")).await.body;
    assert!(
        page.contains("create-order") && page.contains("workstation"),
        "{page}"
    );
    assert!(page.contains(&format!("/api/v3/traces/{ORDER}")));
}

#[rstest]
#[case("/trace/ff", "No span of this trace has arrived")]
#[case("/trace/not-an-id!", "This is no trace id")]
#[tokio::test]
async fn a_trace_that_is_not_there_is_said_to_be_missing(#[case] uri: &str, #[case] expected: &str) {
    let reply = Bed::empty().get(uri).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.body.contains(expected), "{}", reply.body);
}

#[tokio::test]
async fn markup_in_names_stays_text() {
    let bed = Bed::empty();
    let span = json!({"traceId": ORDER, "spanId": "00000000000000a1", "name": "<script>&", "startTimeUnixNano": "1", "endTimeUnixNano": "2"});
    bed.insert_spans("<b>\"", &json!([span]));
    for uri in [
        "/".to_owned(),
        format!("/trace/{ORDER}"),
        "/trace/%3Cscript%3E".to_owned(),
    ] {
        let page = bed.get(&uri).await.body;
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
    }
}
