//! Stand-ins for the versions of Jaeger, each with the answers that the version gives.

use jaeger_api::JaegerClient;
use serde_json::json;
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::recorded;

/// A version's set of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// v3 declares its JSON as plain text, and unknown paths show the UI. Recorded.
    V2_13,
    /// Both APIs and the summaries.
    V2_20,
    /// The legacy search is gone.
    V2_21,
}

/// A server of that version without any trace.
pub(crate) async fn jaeger(version: Version) -> MockServer {
    let server = MockServer::start().await;
    let unknown = match version {
        Version::V2_13 => page("Jaeger UI"),
        Version::V2_20 | Version::V2_21 => no_such_path(),
    };
    Mock::given(any())
        .respond_with(unknown)
        .with_priority(250)
        .mount(&server)
        .await;
    let list = |text| match version {
        Version::V2_13 => plain(200, text),
        Version::V2_20 | Version::V2_21 => json_text(text),
    };
    on(&server, "/api/v3/services", list(recorded::SERVICES_V3)).await;
    on(&server, "/api/v3/operations", list(recorded::OPERATIONS_V3)).await;
    if version != Version::V2_21 {
        on(&server, "/api/services", json_text(recorded::SERVICES_LEGACY)).await;
    }
    if version != Version::V2_13 {
        let refused = json!({"error": {"httpCode": 400, "message": "query.startTimeMin and query.startTimeMax are required"}});
        on(
            &server,
            "/api/v3/trace-summaries",
            plain(400, &refused.to_string()),
        )
        .await;
    }
    server
}

/// A client of a server.
pub(crate) fn client(server: &MockServer) -> JaegerClient {
    JaegerClient::new(&server.uri()).unwrap()
}

/// Answers GET requests for a path, before less specific answers.
pub(crate) async fn on(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer)
        .with_priority(100)
        .mount(server)
        .await;
}

/// JSON that is declared as such.
pub(crate) fn json_text(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "application/json")
}

/// Jaeger's way to send errors, and in 2.13 v3's way to send everything.
pub(crate) fn plain(status: u16, text: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(text, "text/plain; charset=utf-8")
}

/// The answer to a path that Jaeger does not know, from 2.14 on.
pub(crate) fn no_such_path() -> ResponseTemplate {
    plain(404, "404 page not found\n")
}

/// A web page.
pub(crate) fn page(title: &str) -> ResponseTemplate {
    let text = format!("<!doctype html>\n<html><head><title>{title}</title></head><body></body></html>");
    ResponseTemplate::new(200).set_body_raw(text, "text/html; charset=utf-8")
}
