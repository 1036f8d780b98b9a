//! The proof against a Collector and a Jaeger that do what they should, and some that don't.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;

/// Ids of the traces that were exported.
type Exported = Arc<Mutex<Vec<String>>>;

/// A Collector that answers with this, and a Jaeger that shows what came there, or does not.
async fn backend(answer: ResponseTemplate, shows: bool) -> (MockServer, Exported) {
    let server = MockServer::start().await;
    let exported = Exported::default();
    let taken = Arc::clone(&exported);
    let collect = move |request: &Request| {
        let body: Value = request.body_json().unwrap();
        let id = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"];
        taken.lock().unwrap().push(id.as_str().unwrap().to_owned());
        answer.clone()
    };
    Mock::given(method("POST"))
        .and(path("/v1/traces"))
        .respond_with(collect)
        .mount(&server)
        .await;
    let stored = Arc::clone(&exported);
    let show = move |request: &Request| {
        let id = request.url.path().rsplit('/').next().unwrap();
        if shows && stored.lock().unwrap().iter().any(|known| known == id) {
            ResponseTemplate::new(200).set_body_json(trace_of(id))
        } else {
            let absent = json!({"data": null, "errors": [{"code": 404, "msg": "trace not found"}]});
            ResponseTemplate::new(404).set_body_json(absent)
        }
    };
    Mock::given(method("GET"))
        .and(path_regex("^/api/traces/"))
        .respond_with(show)
        .mount(&server)
        .await;
    (server, exported)
}

/// A trace of one span, as Jaeger's legacy API shows it.
fn trace_of(id: &str) -> Value {
    json!({"data": [{
        "traceID": id,
        "spans": [{
            "traceID": id, "spanID": "00f067aa0ba902b7", "operationName": "probe", "references": [],
            "startTime": 1_700_000_000_000_000_u64, "duration": 1, "tags": [], "logs": [], "processID": "p1", "warnings": null,
        }],
        "processes": {"p1": {"serviceName": SERVICE, "tags": []}},
        "warnings": null,
    }], "total": 0, "limit": 0, "offset": 0, "errors": null})
}

async fn arrives(server: &MockServer, limit: Duration) -> Result<(), ProbeError> {
    span_arrives(&server.uri(), &server.uri(), &Deadline::after(limit)).await
}

fn acknowledged() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"partialSuccess": {}}))
}

const GENEROUS: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_span_that_jaeger_shows_is_the_proof() {
    let (server, exported) = backend(acknowledged(), true).await;
    arrives(&server, GENEROUS).await.unwrap();
    assert_eq!(exported.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_span_that_was_acknowledged_and_is_never_shown_proves_nothing() {
    let (server, exported) = backend(acknowledged(), false).await;
    let error = arrives(&server, SHORT).await.unwrap_err().to_string();
    // What was seen last may be that the time was up in the middle of a question.
    assert!(
        error.starts_with("a probe span in Jaeger: not there after"),
        "{error}"
    );
    assert!(!exported.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_span_that_the_collector_rejects_proves_nothing() {
    let rejected = json!({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no room"}});
    for answer in [
        ResponseTemplate::new(200).set_body_json(rejected),
        ResponseTemplate::new(503).set_body_string("no room"),
    ] {
        let (server, _) = backend(answer, true).await;
        let error = arrives(&server, SHORT).await.unwrap_err().to_string();
        assert!(
            error.contains("the Collector answers") && error.contains("no room"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn nothing_is_exported_before_jaeger_answers() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(acknowledged())
        .expect(0)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&server)
        .await;
    arrives(&server, SHORT).await.unwrap_err();
}

#[tokio::test]
async fn an_order_that_is_refused_is_told_at_once() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(422).set_body_string("no such field");
    Mock::given(path("/checkout"))
        .respond_with(refused)
        .mount(&server)
        .await;
    let error = order_goes_through(&server.uri(), &Deadline::after(GENEROUS)).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("the order was refused with 422: no such field"),
        "{error}"
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}
