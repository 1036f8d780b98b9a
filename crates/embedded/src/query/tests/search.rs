//! What a search finds, in both APIs.

use http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Bed, HALF, LINKS, ORDER, SHORT, V3_WINDOW, WINDOW, ids};

/// The ids that v3 finds, in order and each once.
async fn v3_ids(bed: &Bed, query: &str) -> Vec<String> {
    let reply = bed.get(&format!("/api/v3/traces?{V3_WINDOW}&{query}")).await;
    if reply.status == StatusCode::NOT_FOUND {
        return Vec::new();
    }
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    let mut found: Vec<String> = Vec::new();
    for group in answer["result"]["resourceSpans"].as_array().unwrap() {
        let id = group["scopeSpans"][0]["spans"][0]["traceId"].as_str().unwrap();
        let id = id.strip_prefix("0000000000000000").unwrap_or(id).to_owned();
        if found.last() != Some(&id) {
            found.push(id);
        }
    }
    found
}

#[rstest]
#[case::service("service=order-service", "query.serviceName=order-service", &[HALF, ORDER])]
#[case::newest_first("service=storefront", "query.serviceName=storefront", &[LINKS, SHORT, ORDER])]
#[case::limit("service=storefront&limit=2", "query.serviceName=storefront&query.searchDepth=2", &[LINKS, SHORT])]
#[case::operation("service=storefront&operation=item", "query.serviceName=storefront&query.operationName=item", &[LINKS])]
#[case::tag("service=storefront&tag=throughline.request.id:r-82", "query.serviceName=storefront&query.attributes=%7B%22throughline.request.id%22:%22r-82%22%7D", &[SHORT])]
#[case::resource("service=order-service&tag=service.version:local-debug", "query.serviceName=order-service&query.attributes=%7B%22service.version%22:%22local-debug%22%7D", &[HALF, ORDER])]
#[case::integer_as_text("service=storefront&tag=http.response.status_code:201", "query.serviceName=storefront&query.attributes=%7B%22http.response.status_code%22:%22201%22%7D", &[ORDER])]
#[case::error("service=storefront&tag=error:true", "query.serviceName=storefront&query.attributes=%7B%22error%22:%22true%22%7D", &[SHORT])]
#[case::no_error_includes_no_status("service=storefront&tag=error:false", "query.serviceName=storefront&query.attributes=%7B%22error%22:%22false%22%7D", &[LINKS, ORDER])]
#[case::event("service=storefront&tag=exception.type:Unreachable", "query.serviceName=storefront&query.attributes=%7B%22exception.type%22:%22Unreachable%22%7D", &[SHORT])]
#[case::of_another_span("service=inventory-service&tag=order.id:ord-1", "query.serviceName=inventory-service&query.attributes=%7B%22order.id%22:%22ord-1%22%7D", &[])]
#[case::derived("service=storefront&tag=otel.status_code:ERROR", "query.serviceName=storefront&query.attributes=%7B%22otel.status_code%22:%22ERROR%22%7D", &[])]
#[case::min("service=storefront&minDuration=249ms", "query.serviceName=storefront&query.durationMin=249ms", &[ORDER])]
#[case::max("service=storefront&maxDuration=100ms", "query.serviceName=storefront&query.durationMax=100ms", &[LINKS, SHORT])]
#[tokio::test]
async fn both_apis_find_the_same(#[case] legacy: &str, #[case] v3: &str, #[case] expected: &[&str]) {
    let bed = Bed::with_orders();
    let found = bed.json(&format!("/api/traces?{WINDOW}&{legacy}&raw=true")).await;
    assert_eq!(ids(&found), expected);
    assert_eq!(
        v3_ids(&bed, &format!("{v3}&query.rawTraces=true")).await,
        expected
    );
}

#[tokio::test]
async fn v3_searches_all_services_unless_one_is_named() {
    assert_eq!(v3_ids(&Bed::with_orders(), "").await, [HALF, LINKS, SHORT, ORDER]);
}

#[tokio::test]
async fn the_window_is_compared_with_a_spans_start_and_includes_its_ends() {
    let bed = Bed::with_orders();
    let found = |window: &'static str| {
        let uri = format!("/api/traces?service=order-service&{window}");
        let bed = &bed;
        async move { ids(&bed.json(&uri).await).len() }
    };
    assert_eq!(found("start=1764000000950000&end=1764000000950000").await, 1);
    assert_eq!(found("start=1764000000950001&end=1764000002000000").await, 0);
    assert_eq!(
        found("start=1764000002000000&end=1764000000000000").await,
        0,
        "an empty window is no error"
    );
    assert_eq!(
        found("lookback=1h").await,
        0,
        "the last two days are searched by default"
    );
}

#[tokio::test]
async fn summaries_count_what_has_arrived() {
    let answer = Bed::with_orders()
        .json(&format!("/api/v3/trace-summaries?{V3_WINDOW}"))
        .await;
    let summaries = answer["summaries"].as_array().unwrap();
    assert_eq!(summaries.len(), 4);
    let service = |name: &str, spans: u64| json!({"name": name, "spanCount": spans});
    assert_eq!(
        summaries[0],
        json!({
            "traceId": HALF, "minStartTimeUnixNano": "1764000000950000000", "maxEndTimeUnixNano": "1764000000960000000",
            "spanCount": 1, "orphanSpanCount": 1, "services": [service("order-service", 1)],
        })
    );
    assert_eq!(
        summaries[2],
        json!({
            "traceId": format!("0000000000000000{SHORT}"), "rootServiceName": "storefront", "rootOperationName": "POST /checkout",
            "minStartTimeUnixNano": "1764000000500000000", "maxEndTimeUnixNano": "1764000000600000000",
            "spanCount": 1, "errorSpanCount": 1, "services": [{"name": "storefront", "spanCount": 1, "errorSpanCount": 1}],
        })
    );
    // Its root names the caller's span, which nobody recorded.
    assert_eq!(
        (&summaries[3]["spanCount"], &summaries[3]["orphanSpanCount"]),
        (&json!(6), &json!(1))
    );
    assert_eq!(
        summaries[3]["services"],
        json!([
            service("inventory-service", 1),
            service("order-service", 3),
            service("storefront", 2)
        ])
    );
}

#[tokio::test]
async fn summaries_see_copies_once_whatever_raw_says() {
    let bed = Bed::with_orders();
    bed.insert(super::ORDERS);
    for raw in ["false", "true"] {
        let uri = format!(
            "/api/v3/trace-summaries?{V3_WINDOW}&query.serviceName=inventory-service&query.rawTraces={raw}"
        );
        assert_eq!(bed.json(&uri).await["summaries"][0]["spanCount"], 6);
    }
}
