//! Fetching one trace.

use jaeger_api::JaegerClient;
use rstest::rstest;
use wiremock::matchers::{header, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::server::{Version, client, jaeger, json_text, no_such_path, on, page, plain};
use crate::recorded;

fn at(api: &str, id: trace::TraceId) -> String {
    format!("{api}/{id}")
}

async fn legacy(server: &MockServer, id: trace::TraceId, answer: ResponseTemplate) {
    on(server, &at("/api/traces", id), answer).await;
}

async fn v3(server: &MockServer, id: trace::TraceId, answer: ResponseTemplate) {
    on(server, &at("/api/v3/traces", id), answer).await;
}

#[tokio::test]
async fn a_trace_is_fetched_unadjusted_and_without_a_trace_context_of_our_own() {
    let server = jaeger(Version::V2_13).await;
    let raw = Mock::given(path(at("/api/traces", recorded::order())))
        .and(query_param("raw", "true"))
        .and(header("accept", "application/json"));
    raw.respond_with(json_text(recorded::TRACE_LEGACY))
        .mount(&server)
        .await;
    let trace = client(&server).trace(recorded::order()).await.unwrap().unwrap();
    assert_eq!(trace.spans().len(), 6);
    let request = &server.received_requests().await.unwrap()[0];
    for name in ["traceparent", "tracestate", "baggage"] {
        assert!(
            !request.headers.contains_key(name),
            "{name} was sent: Jaeger's own span would join the trace"
        );
    }
}

#[tokio::test]
async fn a_missing_trace_is_none_in_either_form() {
    let server = jaeger(Version::V2_20).await;
    legacy(&server, recorded::order(), plain(404, recorded::MISSING_LEGACY)).await;
    assert_eq!(client(&server).trace(recorded::order()).await.unwrap(), None);

    let v3_only = jaeger(Version::V2_21).await;
    v3(&v3_only, recorded::order(), plain(404, recorded::MISSING_V3)).await;
    assert_eq!(client(&v3_only).trace(recorded::order()).await.unwrap(), None);
}

#[rstest]
#[case::gone(no_such_path())]
#[case::hidden_behind_the_ui(page("Jaeger UI"))]
#[tokio::test]
async fn v3_is_asked_when_the_legacy_form_is_not_there_and_from_then_on_first(
    #[case] absent: ResponseTemplate,
) {
    let server = jaeger(Version::V2_21).await;
    legacy(&server, recorded::order(), absent).await;
    v3(&server, recorded::order(), json_text(recorded::TRACE_V3)).await;
    let client = client(&server);
    for _ in 0..2 {
        assert_eq!(
            client
                .trace(recorded::order())
                .await
                .unwrap()
                .unwrap()
                .spans()
                .len(),
            6
        );
    }
    let requests = server.received_requests().await.unwrap();
    let asked: Vec<_> = requests
        .iter()
        .map(|request| request.url.path().contains("/v3/"))
        .collect();
    assert_eq!(asked, [false, true, true]);
    let query = requests[1].url.query().unwrap();
    assert_eq!(
        query, "rawTraces=true&raw_traces=true",
        "2.13 knows only the second spelling"
    );
}

#[tokio::test]
async fn a_failure_of_v3_is_not_taken_for_its_absence() {
    let server = jaeger(Version::V2_21).await;
    v3(&server, recorded::order(), plain(503, "starting")).await;
    let error = client(&server).trace(recorded::order()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_parent_that_a_link_hides_is_looked_up_in_v3() {
    let server = jaeger(Version::V2_13).await;
    legacy(&server, recorded::links(), json_text(recorded::LINKS_LEGACY)).await;
    v3(&server, recorded::links(), plain(200, recorded::LINKS_V3)).await;
    let trace = client(&server).trace(recorded::links()).await.unwrap().unwrap();
    let parents: Vec<_> = trace
        .spans()
        .iter()
        .map(|span| (span.name.as_str(), span.parent.is_some()))
        .collect();
    assert_eq!(parents, [("batch", false), ("item", true)]);
}

#[tokio::test]
async fn a_half_arrived_trace_is_what_it_is() {
    let server = jaeger(Version::V2_20).await;
    legacy(&server, recorded::half(), json_text(recorded::HALF_LEGACY)).await;
    let trace = client(&server).trace(recorded::half()).await.unwrap().unwrap();
    assert_eq!(trace.spans().len(), 1);
    assert_eq!(trace.spans()[0].parent, Some("00f067aa0ba90501".parse().unwrap()));
}

#[tokio::test]
async fn a_64_bit_trace_id_is_asked_for_in_full_and_read_in_short() {
    let server = jaeger(Version::V2_20).await;
    on(
        &server,
        "/api/traces/0000000000000000a3ce929d0e0e4737",
        json_text(recorded::SHORT_LEGACY),
    )
    .await;
    let trace = client(&server).trace(recorded::short()).await.unwrap().unwrap();
    assert_eq!((trace.id(), trace.spans().len()), (recorded::short(), 1));

    let v3_only = jaeger(Version::V2_21).await;
    v3(&v3_only, recorded::short(), json_text(recorded::SHORT_V3)).await;
    assert_eq!(
        client(&v3_only).trace(recorded::short()).await.unwrap().unwrap(),
        trace
    );
}

#[tokio::test]
async fn everything_is_below_the_base_path() {
    let server = MockServer::start().await;
    on(
        &server,
        &at("/jaeger/ui/api/traces", recorded::order()),
        json_text(recorded::TRACE_LEGACY),
    )
    .await;
    for base in [
        format!("{}/jaeger/ui", server.uri()),
        format!("{}/jaeger/ui/?lookback=1h#top", server.uri()),
    ] {
        let client = JaegerClient::new(&base).unwrap();
        assert!(client.trace(recorded::order()).await.unwrap().is_some());
        assert_eq!(client.base_url(), format!("{}/jaeger/ui", server.uri()));
        assert_eq!(
            client.trace_url(recorded::short()),
            format!(
                "{}/jaeger/ui/trace/0000000000000000a3ce929d0e0e4737",
                server.uri()
            )
        );
    }
}
