//! Status codes, content types, messages and the odd empty answer.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{Bed, HALF, ORDER, SHORT, V3_WINDOW};

#[rstest]
#[case::services(
    "/api/services",
    r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
)]
#[case::unknown_service(
    "/api/services/nope/operations",
    r#"{"data":null,"total":0,"limit":0,"offset":0,"errors":null}"#
)]
#[case::operations(
    "/api/operations?service=nope",
    r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
)]
#[case::search(
    "/api/traces?service=nope",
    r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
)]
#[case::dependencies(
    "/api/dependencies",
    r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
)]
#[case::several("/api/traces?traceID=FF&traceID=fe", r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":[{"msg":"trace not found","traceID":"00000000000000ff"},{"msg":"trace not found","traceID":"00000000000000fe"}]}"#)]
#[case::v3_services("/api/v3/services", r#"{"services":[]}"#)]
#[case::v3_operations("/api/v3/operations", r#"{"operations":[]}"#)]
#[tokio::test]
async fn an_empty_store_answers(#[case] uri: &str, #[case] expected: &str) {
    let reply = Bed::empty().get(uri).await;
    assert_eq!(
        (reply.status, reply.content_type.as_str()),
        (StatusCode::OK, "application/json")
    );
    assert_eq!(reply.body, expected);
}

#[tokio::test]
async fn no_summary_is_an_empty_list_and_no_trace_is_a_404() {
    let bed = Bed::with_orders();
    let window = "query.startTimeMin=1970-01-01T00:00:00Z&query.startTimeMax=1970-01-01T00:00:01Z";
    assert_eq!(
        bed.get(&format!("/api/v3/trace-summaries?{window}")).await.body,
        r#"{"summaries":[]}"#
    );
    let none = (404, "No traces found".to_owned());
    assert_eq!(
        bed.get(&format!("/api/v3/traces?{window}")).await.v3_error(),
        none
    );
    assert_eq!(bed.get("/api/v3/traces/ff").await.v3_error(), none);
    assert_eq!(
        bed.get("/api/traces/ff").await.legacy_error(),
        (404, "trace not found".to_owned())
    );
}

#[rstest]
#[case("/api/operations", 400, "parameter 'service' is required")]
#[case("/api/traces", 400, "parameter 'service' is required")]
#[case(
    "/api/traces?service=a&limit=0",
    500,
    "search depth must be greater than 0 and less than max traces"
)]
#[case(
    "/api/traces?service=a&limit=-1",
    500,
    "search depth must be greater than 0 and less than max traces"
)]
#[case(
    "/api/traces?service=a&limit=100001",
    500,
    "search depth must be greater than 0 and less than max traces"
)]
#[case(
    "/api/traces/not-an-id!",
    400,
    r#"strconv.ParseUint: parsing "not-an-id!": invalid syntax"#
)]
#[case(
    "/api/traces/ff?start=x",
    400,
    r#"unable to parse param 'start': strconv.ParseInt: parsing "x": invalid syntax"#
)]
#[case(
    "/api/traces/ff?raw=x",
    400,
    r#"unable to parse param 'raw': strconv.ParseBool: parsing "x": invalid syntax"#
)]
#[case(
    "/api/dependencies?endTs=x",
    400,
    r#"unable to parse param 'endTs': strconv.ParseInt: parsing "x": invalid syntax"#
)]
#[case(
    "/api/dependencies?lookback=x",
    400,
    r#"unable to parse param 'lookback': strconv.ParseInt: parsing "x": invalid syntax"#
)]
#[case(
    "/api/dependencies?lookback=-1",
    500,
    "end time must be greater than start time"
)]
#[case(
    "/api/metrics/latencies",
    400,
    r#"unable to parse param 'quantile': strconv.ParseFloat: parsing "": invalid syntax"#
)]
#[case(
    "/api/metrics/calls",
    400,
    "unable to parse param 'service': please provide at least one service name"
)]
#[case(
    "/api/metrics/errors?service=a&spanKind=x",
    400,
    "unable to parse param 'spanKind': unsupported span kind: 'x'"
)]
#[case(
    "/api/metrics/calls?service=a&groupByOperation=x",
    400,
    r#"unable to parse param 'groupByOperation': strconv.ParseBool: parsing "x": invalid syntax"#
)]
#[case(
    "/api/metrics/calls?service=a&step=x",
    400,
    r#"unable to parse param 'step': strconv.ParseInt: parsing "x": invalid syntax"#
)]
#[case(
    "/api/metrics/latencies?service=a&quantile=0.95&spanKind=client",
    501,
    "trace metrics are currently disabled - no metrics backend configured"
)]
#[tokio::test]
async fn a_legacy_failure_has_jaegers_words(#[case] uri: &str, #[case] status: u16, #[case] message: &str) {
    assert_eq!(
        Bed::with_orders().get(uri).await.legacy_error(),
        (status, message.to_owned())
    );
}

#[rstest]
#[case(
    "/api/v3/traces",
    400,
    "query.startTimeMin and query.startTimeMax are required"
)]
#[case(
    "/api/v3/trace-summaries",
    400,
    "query.startTimeMin and query.startTimeMax are required"
)]
#[case(&format!("/api/v3/traces?{V3_WINDOW}&query.searchDepth=0"), 500, "search depth must be greater than 0 and less than max traces")]
#[case(&format!("/api/v3/trace-summaries?{V3_WINDOW}&query.num_traces=-1"), 500, "search depth must be greater than 0 and less than max traces")]
#[case(
    "/api/v3/traces/not-an-id!",
    400,
    r#"malformed parameter trace_id: strconv.ParseUint: parsing "not-an-id!": invalid syntax"#
)]
#[case(
    "/api/v3/traces/ff?raw_traces=x",
    400,
    r#"malformed parameter raw_traces: strconv.ParseBool: parsing "x": invalid syntax"#
)]
#[case("/api/v3/traces/ff?endTime=2025", 400, r#"malformed parameter endTime: parsing time "2025" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "" as "-""#)]
#[tokio::test]
async fn a_v3_failure_has_jaegers_words(#[case] uri: &str, #[case] status: u16, #[case] message: &str) {
    assert_eq!(
        Bed::with_orders().get(uri).await.v3_error(),
        (status, message.to_owned())
    );
}

#[rstest]
#[case::unknown(Method::GET, "/api/nope")]
#[case::wrong_method(Method::POST, "/api/services")]
#[case::sample_data(Method::GET, "/api/deep-dependencies")]
#[case::v3_post(Method::POST, "/api/v3/traces")]
#[tokio::test]
async fn an_unknown_path_below_api_is_404_in_plain_text(#[case] method: Method, #[case] uri: &str) {
    let reply = Bed::empty().ask(method, uri, "").await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (StatusCode::NOT_FOUND, "404 page not found\n")
    );
    assert_eq!(reply.content_type, "text/plain; charset=utf-8");
}

#[rstest]
#[case::known(ORDER, 500, "archive span storage was not configured")]
#[case::unknown("ff", 500, "archive span storage was not configured")]
#[case::no_id(
    "not-an-id!",
    400,
    r#"strconv.ParseUint: parsing "not-an-id!": invalid syntax"#
)]
#[tokio::test]
async fn there_is_no_archive(#[case] id: &str, #[case] status: u16, #[case] message: &str) {
    let reply = Bed::with_orders()
        .ask(Method::POST, &format!("/api/archive/{id}"), "")
        .await;
    assert_eq!(reply.legacy_error(), (status, message.to_owned()));
}

#[tokio::test]
async fn several_traces_are_fetched_at_once_and_missing_ones_named() {
    let answer = Bed::with_orders()
        .json(&format!(
            "/api/traces?traceID={SHORT}&traceID=ff&traceID={HALF}&raw=true"
        ))
        .await;
    assert_eq!(super::ids(&answer), [SHORT, HALF]);
    assert_eq!(
        answer["errors"],
        json!([{"msg": "trace not found", "traceID": "00000000000000ff"}])
    );
}

#[tokio::test]
async fn operations_are_filtered_by_kind_and_named_once() {
    let bed = Bed::empty();
    let span = |id: &str, kind: u8| json!({"traceId": ORDER, "spanId": id, "name": "work", "kind": kind, "startTimeUnixNano": "1", "endTimeUnixNano": "2"});
    bed.insert_spans(
        "a b",
        &json!([
            span("00000000000000a1", 0),
            span("00000000000000a2", 2),
            span("00000000000000a3", 3)
        ]),
    );
    let all = bed.json("/api/operations?service=a%20b").await;
    let operation = |kind: &str| json!({"name": "work", "spanKind": kind});
    assert_eq!(
        all["data"],
        json!([operation(""), operation("server"), operation("client")])
    );
    assert_eq!(all["total"], 3);
    assert_eq!(
        bed.json("/api/operations?service=a+b&spanKind=client").await["data"],
        json!([operation("client")])
    );
    assert_eq!(
        bed.json("/api/operations?service=a+b&spanKind=CLIENT").await["data"],
        json!([])
    );
    assert_eq!(
        bed.json("/api/services/a%2Bb/operations").await,
        json!({"data": ["work"], "total": 1, "limit": 0, "offset": 0, "errors": null})
    );
    let v3 = bed.json("/api/v3/operations?service=a%20b").await;
    assert_eq!(
        v3["operations"],
        json!([operation("internal"), operation("server"), operation("client")])
    );
    assert_eq!(
        bed.json("/api/v3/operations?service=a+b&span_kind=server").await["operations"],
        json!([operation("server")])
    );
}

#[tokio::test]
async fn transform_translates_without_changing_anything() {
    let bed = Bed::empty();
    let span = json!({"traceId": "1", "spanId": "2", "name": "", "startTimeUnixNano": 5000, "endTimeUnixNano": "4000", "links": [{}]});
    let group = |resource: Value| json!({"resource": resource, "scopeSpans": [{"spans": [span]}]});
    let other = json!({"attributes": [{"key": "host.name", "value": {"stringValue": "h"}}]});
    let body = json!({"resourceSpans": [group(json!({})), group(other)]}).to_string();
    let reply = bed.ask(Method::POST, "/api/transform", body).await;
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    let trace = &answer["data"][0];
    assert_eq!(trace["traceID"], "0000000000000001");
    assert_eq!(
        trace["processes"]["p1"],
        json!({"serviceName": "OTLPResourceNoServiceName", "tags": []})
    );
    assert_eq!(trace["processes"]["p2"]["serviceName"], "");
    assert_eq!(
        (
            &trace["spans"][0]["operationName"],
            &trace["spans"][0]["warnings"]
        ),
        (&json!(""), &json!(null))
    );
    assert_eq!(trace["spans"][0]["references"][0]["traceID"], "0000000000000000");
    assert_eq!(bed.store.stats().spans, 0, "nothing is stored");

    let empty = bed.ask(Method::POST, "/api/transform", "{}").await;
    assert_eq!(
        empty.body,
        r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
    );
    let (status, message) = bed
        .ask(Method::POST, "/api/transform", r#"{"resourceSpans":3}"#)
        .await
        .legacy_error();
    assert_eq!(status, 400);
    assert!(message.starts_with("cannot unmarshal OTLP : "), "{message}");
}

#[tokio::test]
async fn a_value_that_json_cannot_hold_does_not_hide_its_trace() {
    let bed = Bed::empty();
    let mut data: opentelemetry_proto::tonic::trace::v1::TracesData =
        serde_json::from_str(super::ORDERS).unwrap();
    let span = &mut data.resource_spans[0].scope_spans[0].spans[0];
    let value = opentelemetry_proto::tonic::common::v1::any_value::Value::DoubleValue(f64::NAN);
    span.attributes[0].value.as_mut().unwrap().value = Some(value);
    bed.store.insert(data.resource_spans).unwrap();
    let legacy = bed.json(&format!("/api/traces/{ORDER}?raw=1")).await;
    let tag = &legacy["data"][0]["spans"][0]["tags"][2];
    assert_eq!((&tag["type"], &tag["value"]), (&json!("float64"), &json!("NaN")));
    let v3 = bed.get(&format!("/api/v3/traces/{ORDER}?rawTraces=1")).await;
    assert!(v3.body.contains(r#"{"doubleValue":"NaN"}"#), "{}", v3.body);
}

#[tokio::test]
async fn dependencies_are_counted_within_a_window() {
    let bed = Bed::with_orders();
    let edge =
        |parent: &str, child: &str, count: u64| json!({"parent": parent, "child": child, "callCount": count});
    let window = "endTs=1764000002000&lookback=3000";
    let all = bed.json(&format!("/api/dependencies?{window}")).await;
    assert_eq!(
        all["data"],
        json!([
            edge("order-service", "inventory-service", 1),
            edge("order-service", "order-service", 2),
            edge("storefront", "order-service", 1),
            edge("storefront", "storefront", 2),
        ])
    );
    assert_eq!(all["total"], 0);
    let of_one = bed
        .json(&format!("/api/dependencies?{window}&service=inventory-service"))
        .await;
    assert_eq!(
        of_one["data"],
        json!([edge("order-service", "inventory-service", 1)])
    );
    // The order ends 250 ms into the window's last second and a nanosecond later than this.
    let tight = bed
        .json("/api/dependencies?endTs=1764000000250&lookback=3000")
        .await;
    assert_eq!(tight["data"], json!([]));
}
