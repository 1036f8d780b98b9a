//! Byte for byte what Jaeger 2.13 answered when it had been sent the same.

use rstest::rstest;

use super::{Bed, HALF, LINKS, ORDER, SHORT, WINDOW};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../jaeger-api/tests/recorded/2.13/",
            $name,
            ".json"
        ))
    };
}

#[rstest]
#[case::order(format!("/api/traces/{ORDER}?raw=true"), recorded!("trace-legacy"))]
#[case::short_id(format!("/api/traces/{SHORT}?raw=true"), recorded!("trace-64-bit-legacy"))]
#[case::long_form_of_a_short_id(format!("/api/traces/0000000000000000{SHORT}?raw=true"), recorded!("trace-64-bit-legacy"))]
#[case::pretty(format!("/api/traces/{SHORT}?raw=true&prettyPrint=true"), recorded!("trace-64-bit-legacy-pretty"))]
#[case::links(format!("/api/traces/{LINKS}?raw=true"), recorded!("trace-with-links-legacy"))]
#[case::half_arrived(format!("/api/traces/{HALF}?raw=true"), recorded!("trace-half-arrived-legacy"))]
#[case::missing("/api/traces/ff?raw=true".to_owned(), recorded!("missing-legacy"))]
#[case::search(format!("/api/traces?service=order-service&raw=true&{WINDOW}&tags=%7B%22throughline.request.id%22%3A%22r-81%22%7D"), recorded!("search-legacy"))]
#[case::search_refused("/api/traces".to_owned(), recorded!("search-refused-legacy"))]
#[case::v3_order(format!("/api/v3/traces/{ORDER}?raw_traces=true"), recorded!("trace-v3"))]
#[case::v3_short_id(format!("/api/v3/traces/{SHORT}?rawTraces=true"), recorded!("trace-64-bit-v3"))]
#[case::v3_links(format!("/api/v3/traces/{LINKS}?rawTraces=1"), recorded!("trace-with-links-v3"))]
#[case::v3_missing("/api/v3/traces/ff".to_owned(), recorded!("missing-v3"))]
#[tokio::test]
async fn answers_as_jaeger_did(#[case] uri: String, #[case] expected: &str) {
    assert_eq!(Bed::with_orders().get(&uri).await.body, expected);
}

#[rstest]
#[case::services("/api/services", recorded!("services-legacy"), "/data")]
#[case::v3_services("/api/v3/services", recorded!("services-v3"), "/services")]
#[case::v3_operations("/api/v3/operations?service=order-service", recorded!("operations-v3"), "/operations")]
#[tokio::test]
async fn lists_are_those_of_jaeger_and_sorted(#[case] uri: &str, #[case] recorded: &str, #[case] list: &str) {
    let found = Bed::with_orders().json(uri).await;
    let mut expected: serde_json::Value = serde_json::from_str(recorded).unwrap();
    let expected_list = expected.pointer_mut(list).unwrap().as_array_mut().unwrap();
    expected_list.sort_by_key(ToString::to_string);
    assert_eq!(found, expected);
}
