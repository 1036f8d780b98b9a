//! Whatever is asked, something sensible is answered.

use http::{Method, Request};
use proptest::prelude::*;
use tower::ServiceExt;

use super::Bed;

fn path() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "/",
        "/api",
        "/api/",
        "/api/services",
        "/api/operations",
        "/api/services/storefront/operations",
        "/api/traces",
        "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736",
        "/api/dependencies",
        "/api/metrics/calls",
        "/api/v3/services",
        "/api/v3/operations",
        "/api/v3/traces",
        "/api/v3/traces/a3ce929d0e0e4737",
        "/api/v3/trace-summaries",
        "/api/transform",
        "/api/archive/1",
        "/trace/4bf92f3577b34da6a3ce929d0e0e4738",
    ]);
    prop_oneof![known.prop_map(str::to_owned), "(/[-a-z0-9%.+=_]{0,8}){1,5}"]
}

fn query() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(vec![
        "service",
        "operation",
        "start",
        "end",
        "limit",
        "minDuration",
        "maxDuration",
        "tag",
        "tags",
        "traceID",
        "raw",
        "prettyPrint",
        "endTs",
        "lookback",
        "quantile",
        "spanKind",
        "query.serviceName",
        "query.startTimeMin",
        "query.startTimeMax",
        "query.searchDepth",
        "query.durationMin",
        "query.attributes",
        "query.rawTraces",
        "rawTraces",
    ]);
    let value = prop_oneof![
        "[-0-9]{1,20}",
        "[0-9a-f]{1,33}",
        "[-+0-9.]{1,9}(ns|us|ms|s|m|h)?",
        Just("storefront".to_owned()),
        Just("2025-11-24T16:00:00Z".to_owned()),
        Just("2262-01-01T00:00:00.5-12:00".to_owned()),
        Just("%7B%22error%22%3A%22true%22%7D".to_owned()),
        "[%+:=;a-z0-9{}]{0,12}",
    ];
    proptest::collection::vec((name, value), 0..6).prop_map(|pairs| {
        pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_request_has_an_answer(
        path in path(),
        query in query(),
        is_post in any::<bool>(),
        body in prop_oneof![any::<Vec<u8>>(), Just(super::ORDERS.as_bytes().to_vec())],
    ) {
        let bed = Bed::with_orders();
        let method = if is_post { Method::POST } else { Method::GET };
        let Ok(request) = Request::builder().method(method).uri(format!("{path}?{query}")).body(axum::body::Body::from(body)) else {
            // Not a URI at all: the server's HTTP layer refuses it.
            return Ok(());
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(bed.router.clone().oneshot(request)).unwrap();
        let status = response.status().as_u16();
        prop_assert!(matches!(status, 200 | 400 | 404 | 500 | 501), "{status}");
        prop_assert_eq!(bed.store.stats().spans, 10, "asking changes nothing");
    }
}
