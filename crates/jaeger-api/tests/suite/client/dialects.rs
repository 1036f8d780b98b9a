//! Finding out which version it is, and searching the way that version understands.

use std::collections::BTreeMap;
use std::time::Duration;

use jaeger_api::{JaegerError, Operation, SearchApi, SearchQuery};
use rstest::rstest;
use serde_json::json;
use trace::{ServiceName, SpanKind, UnixNanos};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, Request};

use super::server::{Version, client, jaeger, json_text, no_such_path, on, page, plain};
use crate::recorded;

fn query() -> SearchQuery {
    let window = UnixNanos(1_764_000_000_000_000_000)..UnixNanos(1_764_000_002_000_000_000);
    SearchQuery::new(ServiceName::new("order-service"), window).tag("throughline.request.id", "r-81")
}

async fn received(server: &MockServer, at: &str) -> Vec<Request> {
    let requests = server.received_requests().await.unwrap();
    requests
        .into_iter()
        .filter(|request| request.url.path() == at)
        .collect()
}

fn pairs(request: &Request) -> BTreeMap<String, String> {
    request.url.query_pairs().into_owned().collect()
}

#[rstest]
#[case::v2_13(Version::V2_13, SearchApi::Legacy, false)]
#[case::v2_20(Version::V2_20, SearchApi::Legacy, true)]
#[case::v2_21(Version::V2_21, SearchApi::V3, true)]
#[tokio::test]
async fn a_version_is_known_by_what_it_offers(
    #[case] version: Version,
    #[case] search: SearchApi,
    #[case] summaries: bool,
) {
    let server = jaeger(version).await;
    let flavour = client(&server).probe().await.unwrap();
    assert_eq!(
        (flavour.search, flavour.summaries),
        (search, summaries),
        "{flavour}"
    );
}

#[tokio::test]
async fn an_empty_jaeger_is_a_jaeger() {
    let server = jaeger(Version::V2_13).await;
    // Recorded: without any service, 2.13 leaves the list out.
    Mock::given(path("/api/v3/services"))
        .respond_with(plain(200, "{}"))
        .mount(&server)
        .await;
    assert!(client(&server).probe().await.is_ok());
    assert!(client(&server).services().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_version_is_asked_for_once() {
    let server = jaeger(Version::V2_20).await;
    let client = client(&server);
    client.probe().await.unwrap();
    client.clone().probe().await.unwrap();
    assert_eq!(received(&server, "/api/services").await.len(), 1);
}

#[tokio::test]
async fn a_failed_probe_is_not_remembered() {
    let server = jaeger(Version::V2_20).await;
    let starting = Mock::given(path("/api/services")).respond_with(plain(503, "starting"));
    starting.up_to_n_times(1).mount(&server).await;
    let client = client(&server);
    let error = client.probe().await.unwrap_err();
    assert!(
        matches!(&error, JaegerError::Status { status: 503, message, .. } if message == "starting"),
        "{error}"
    );
    assert!(error.is_transient());
    assert_eq!(client.probe().await.unwrap().search, SearchApi::Legacy);
}

#[rstest]
#[case::start_page(page("Jaeger UI"))]
#[case::no_such_path(no_such_path())]
#[case::other_json(json_text(r#"{"status":"ok"}"#))]
#[tokio::test]
async fn what_does_not_list_services_is_not_probed_as_jaeger(#[case] answer: wiremock::ResponseTemplate) {
    let server = jaeger(Version::V2_20).await;
    Mock::given(path("/api/v3/services"))
        .respond_with(answer)
        .mount(&server)
        .await;
    assert!(client(&server).probe().await.is_err());
}

#[rstest]
#[case(Version::V2_13)]
#[case(Version::V2_20)]
#[tokio::test]
async fn up_to_2_20_the_legacy_search_is_used(#[case] version: Version) {
    let server = jaeger(version).await;
    on(&server, "/api/traces", json_text(recorded::SEARCH_LEGACY)).await;
    let found = client(&server)
        .search(&query().at_least(Duration::from_millis(2)).limit(5))
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(trace::Trace::id).collect::<Vec<_>>(),
        [recorded::order()]
    );
    let asked = pairs(&received(&server, "/api/traces").await[0]);
    assert_eq!(asked["service"], "order-service");
    assert_eq!(asked["tags"], r#"{"throughline.request.id":"r-81"}"#);
    assert_eq!(
        (asked["start"].as_str(), asked["end"].as_str()),
        ("1764000000000000", "1764000002000000")
    );
    assert_eq!(
        (
            asked["minDuration"].as_str(),
            asked["limit"].as_str(),
            asked["raw"].as_str()
        ),
        ("2000000ns", "5", "true")
    );
    assert!(
        received(&server, "/api/v3/traces").await.is_empty(),
        "v3 ignores attributes before 2.19"
    );
}

#[tokio::test]
async fn from_2_21_on_v3_is_searched() {
    let server = jaeger(Version::V2_21).await;
    on(&server, "/api/v3/traces", json_text(recorded::TRACE_V3)).await;
    let found = client(&server)
        .search(&query().operation("create-order"))
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(trace::Trace::id).collect::<Vec<_>>(),
        [recorded::order()]
    );
    let asked = pairs(&received(&server, "/api/v3/traces").await[0]);
    assert_eq!(asked["query.serviceName"], "order-service");
    assert_eq!(asked["query.operationName"], "create-order");
    assert_eq!(asked["query.startTimeMin"], "2025-11-24T16:00:00Z");
    assert_eq!(asked["query.attributes"], r#"{"throughline.request.id":"r-81"}"#);
    assert_eq!(
        (
            asked["query.searchDepth"].as_str(),
            asked["query.rawTraces"].as_str()
        ),
        ("100", "true")
    );
}

#[tokio::test]
async fn a_search_that_finds_nothing_is_empty_in_either_form() {
    let legacy = jaeger(Version::V2_20).await;
    on(
        &legacy,
        "/api/traces",
        json_text(r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#),
    )
    .await;
    assert_eq!(client(&legacy).search(&query()).await.unwrap(), []);
    let v3 = jaeger(Version::V2_21).await;
    on(&v3, "/api/v3/traces", plain(404, recorded::MISSING_V3)).await;
    assert_eq!(client(&v3).search(&query()).await.unwrap(), []);
}

#[tokio::test]
async fn a_refused_search_says_why() {
    let server = jaeger(Version::V2_20).await;
    on(
        &server,
        "/api/traces",
        plain(400, recorded::SEARCH_REFUSED_LEGACY),
    )
    .await;
    let error = client(&server).search(&query()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("answered 400: parameter 'service' is required"),
        "{error}"
    );
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_request_is_found_in_every_service_and_listed_once() {
    let server = jaeger(Version::V2_20).await;
    for service in ["storefront", "order-service"] {
        let answer = json_text(recorded::SEARCH_LEGACY);
        let only = Mock::given(path("/api/traces")).and(query_param("service", service));
        only.respond_with(answer).expect(1).mount(&server).await;
    }
    let half = Mock::given(path("/api/traces")).and(query_param("service", "inventory-service"));
    half.respond_with(json_text(recorded::HALF_LEGACY))
        .expect(1)
        .mount(&server)
        .await;
    let services = ["storefront", "order-service", "inventory-service"].map(ServiceName::from);
    let found = client(&server)
        .traces_by_request(&"r-81".parse().unwrap(), &services, query().start..query().end)
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(trace::Trace::id).collect::<Vec<_>>(),
        [recorded::order(), recorded::half()]
    );
}

#[tokio::test]
async fn services_and_operations_are_read_whatever_type_they_are_declared_as() {
    for version in [Version::V2_13, Version::V2_20, Version::V2_21] {
        let server = jaeger(version).await;
        let services = client(&server).services().await.unwrap();
        assert!(
            services.contains(&ServiceName::from("inventory-service")),
            "{services:?}"
        );
        let operations = client(&server)
            .operations(&ServiceName::from("order-service"))
            .await
            .unwrap();
        let expected = Operation {
            name: "create-order".to_owned(),
            kind: SpanKind::Internal,
        };
        assert!(operations.contains(&expected), "{operations:?}");
    }
}

#[tokio::test]
async fn summaries_come_with_2_19() {
    let server = jaeger(Version::V2_20).await;
    let summaries = json!({"summaries": [{
        "traceId": recorded::order(), "rootServiceName": "storefront", "rootOperationName": "POST /checkout",
        "minStartTimeUnixNano": "1764000000000001999", "maxEndTimeUnixNano": "1764000000250000001",
        "spanCount": 6, "orphanSpanCount": 1, "services": [{"name": "storefront", "spanCount": 2, "errorSpanCount": 1}],
    }, {"traceId": recorded::half(), "spanCount": 1, "orphanSpanCount": 1}]});
    let found = Mock::given(method("GET"))
        .and(path("/api/v3/trace-summaries"))
        .and(query_param("query.serviceName", "order-service"));
    found
        .respond_with(json_text(&summaries.to_string()))
        .mount(&server)
        .await;
    let read = client(&server).summaries(&query()).await.unwrap();
    assert_eq!(
        (read[0].spans, read[0].error_spans, read[0].orphan_spans),
        (6, 0, 1)
    );
    assert_eq!(read[0].root_service, Some(ServiceName::from("storefront")));
    assert_eq!(
        (read[0].start.0, read[0].services[0].error_spans),
        (1_764_000_000_000_001_999, 1)
    );
    assert_eq!((read[1].root_service.as_ref(), read[1].services.len()), (None, 0));

    let old = jaeger(Version::V2_13).await;
    let error = client(&old).summaries(&query()).await.unwrap_err();
    assert!(
        matches!(error, JaegerError::Unsupported { since: "2.19", .. }),
        "{error}"
    );
}
