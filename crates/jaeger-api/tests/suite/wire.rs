//! What is read is what Jaeger wrote, and what is written is what Jaeger writes.

use jaeger_api::wire::json::{Spelling, to_vec};
use jaeger_api::wire::{legacy, v3};
use proptest::prelude::*;
use rstest::rstest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::recorded;

fn written<T: Serialize>(value: &T, spelling: Spelling) -> String {
    String::from_utf8(to_vec(value, spelling).unwrap()).unwrap()
}

fn rewritten<T: Serialize + DeserializeOwned>(text: &str, spelling: Spelling) -> String {
    written(&serde_json::from_str::<T>(text).unwrap(), spelling)
}

#[rstest]
#[case::order(recorded::TRACE_LEGACY, Spelling::Legacy)]
#[case::short_id(recorded::SHORT_LEGACY, Spelling::Legacy)]
#[case::pretty(recorded::SHORT_LEGACY_PRETTY, Spelling::LegacyPretty)]
#[case::links(recorded::LINKS_LEGACY, Spelling::Legacy)]
#[case::search(recorded::SEARCH_LEGACY, Spelling::Legacy)]
fn a_legacy_answer_is_written_back_byte_for_byte(#[case] text: &str, #[case] spelling: Spelling) {
    assert_eq!(rewritten::<legacy::Envelope<legacy::Trace>>(text, spelling), text);
}

#[rstest]
#[case::missing(recorded::MISSING_LEGACY)]
#[case::refused(recorded::SEARCH_REFUSED_LEGACY)]
fn a_legacy_error_is_written_back_byte_for_byte(#[case] text: &str) {
    // Jaeger ends an error with a line break.
    assert_eq!(
        rewritten::<legacy::Envelope<legacy::Trace>>(text, Spelling::Legacy) + "\n",
        text
    );
}

#[rstest]
#[case::order(recorded::TRACE_V3)]
#[case::short_id(recorded::SHORT_V3)]
#[case::links(recorded::LINKS_V3)]
fn a_v3_answer_is_written_back_byte_for_byte(#[case] text: &str) {
    assert_eq!(rewritten::<v3::Wrapped<v3::TracesData>>(text, Spelling::V3), text);
}

#[test]
fn lists_are_written_back_byte_for_byte() {
    let services = recorded::SERVICES_LEGACY;
    assert_eq!(
        rewritten::<legacy::Envelope<String>>(services, Spelling::Legacy),
        services
    );
    assert_eq!(
        rewritten::<v3::Services>(recorded::SERVICES_V3, Spelling::V3),
        recorded::SERVICES_V3
    );
    assert_eq!(
        rewritten::<v3::Operations>(recorded::OPERATIONS_V3, Spelling::V3),
        recorded::OPERATIONS_V3
    );
    assert_eq!(
        rewritten::<v3::Failure>(recorded::MISSING_V3, Spelling::V3) + "\n",
        recorded::MISSING_V3
    );
}

#[test]
fn a_legacy_trace_with_nothing_in_it_still_has_its_lists() {
    let span = written(&legacy::Span::default(), Spelling::Legacy);
    assert_eq!(
        span,
        r#"{"traceID":"0000000000000000","spanID":"0000000000000000","operationName":"","references":[],"startTime":0,"duration":0,"tags":[],"logs":[],"processID":"","warnings":null}"#
    );
    let found: legacy::Envelope<legacy::Trace> =
        serde_json::from_value(json!({"data": [null]})).unwrap_or_else(|_| legacy::Envelope::of(vec![]));
    assert_eq!(
        written(&found, Spelling::Legacy),
        r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
    );
}

#[test]
fn missing_and_null_fields_are_empty() {
    let spans = json!({"data": [{"traceID": "1", "spans": [{"spanID": "2", "references": null, "startTime": 1.5e3, "duration": "7", "tags": null, "logs": null}], "processes": null}]});
    let answer: legacy::Envelope<legacy::Trace> = serde_json::from_value(spans).unwrap();
    let span = &answer.data.unwrap()[0].spans[0];
    assert_eq!((span.start_time, span.duration, span.tags.len()), (1_500, 7, 0));

    let spans = json!({"resourceSpans": [{"resource": null, "scopeSpans": [{"scope": null, "spans": [{"spanId": "00F067AA0BA90201", "kind": "SPAN_KIND_SERVER", "startTimeUnixNano": 5, "attributes": null, "status": null, "parentSpanId": ""}]}]}]});
    let data: v3::TracesData = serde_json::from_value(spans).unwrap();
    let (_, _, span) = data.spans().next().unwrap();
    assert_eq!((span.kind, span.start_time_unix_nano), (v3::kind::SERVER, 5));
    assert!(span.parent_span_id.is_none());
}

#[test]
fn json_of_another_service_is_not_taken_for_an_empty_answer() {
    assert!(serde_json::from_str::<legacy::Envelope<legacy::Trace>>(r#"{"status":"ok"}"#).is_err());
    assert!(v3::read_traces(br#"{"status":"ok"}"#).is_err());
    assert!(v3::read_traces(b"").is_err());
}

#[test]
fn v3_traces_are_read_in_each_of_their_wrappings() {
    let group = r#"{"resource":{},"scopeSpans":[]}"#;
    let count = |text: String| {
        v3::read_traces(text.as_bytes())
            .unwrap()
            .unwrap()
            .resource_spans
            .len()
    };
    assert_eq!(count(format!(r#"{{"result":{{"resourceSpans":[{group}]}}}}"#)), 1);
    assert_eq!(
        count(format!(
            "{{\"result\":{{\"resourceSpans\":[{group}]}}}}\n{{\"result\":{{\"resourceSpans\":[{group},{group}]}}}}\n"
        )),
        3
    );
    assert_eq!(count(format!(r#"{{"resourceSpans":[{group}]}}"#)), 1);
    assert_eq!(count(r#"{"result":{}}"#.to_owned()), 0);
    let failure = v3::read_traces(b"{\"result\":{}}\n{\"error\":{\"httpCode\":500,\"message\":\"broke\"}}");
    assert_eq!(failure.unwrap().unwrap_err().message, "broke");
}

#[test]
fn summaries_are_read_under_both_names_of_their_id() {
    let text = r#"{"summaries":[{"traceID":"ab","rootServiceName":"storefront","minStartTimeUnixNano":"5","spanCount":2,"orphanSpanCount":1,"services":[{"name":"storefront","spanCount":2}]}]}"#;
    let read: v3::Summaries = serde_json::from_str(text).unwrap();
    let summary = &read.summaries[0];
    assert_eq!(
        (
            summary.min_start_time_unix_nano,
            summary.span_count,
            summary.orphan_span_count
        ),
        (5, 2, 1)
    );
    assert!(
        written(&read, Spelling::V3)
            .starts_with(r#"{"summaries":[{"traceId":"000000000000000000000000000000ab","rootServiceName""#)
    );
}

/// JSON of any shape, biased towards the names that are looked at.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        "[0-9a-f]{0,34}|.{0,12}".prop_map(|value| json!(value)),
    ];
    let key = prop_oneof![
        proptest::sample::select(vec![
            "data",
            "spans",
            "traceID",
            "spanID",
            "references",
            "refType",
            "startTime",
            "duration",
            "tags",
            "logs",
            "fields",
            "key",
            "type",
            "value",
            "processes",
            "warnings",
            "result",
            "error",
            "resourceSpans",
            "resource",
            "attributes",
            "scopeSpans",
            "scope",
            "traceId",
            "spanId",
            "parentSpanId",
            "kind",
            "startTimeUnixNano",
            "events",
            "links",
            "status",
            "code",
            "stringValue",
            "intValue",
            "doubleValue",
            "arrayValue",
            "kvlistValue",
            "bytesValue",
            "values",
            "summaries",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            proptest::collection::hash_map(key.clone(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_never_panics_and_what_was_read_is_written(json in any_json()) {
        if let Ok(read) = serde_json::from_value::<legacy::Envelope<legacy::Trace>>(json.clone()) {
            let text = written(&read, Spelling::Legacy);
            let again: legacy::Envelope<legacy::Trace> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(written(&again, Spelling::Legacy), text);
        }
        if let Ok(read) = serde_json::from_value::<v3::TracesData>(json.clone()) {
            let text = written(&read, Spelling::V3);
            let again: v3::TracesData = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(written(&again, Spelling::V3), text);
        }
        let _ = serde_json::from_value::<v3::Summaries>(json.clone());
        let _ = v3::read_traces(json.to_string().as_bytes());
    }

    #[test]
    fn reading_a_truncated_answer_never_panics(cut in 0..recorded::TRACE_LEGACY.len(), flip in any::<u8>()) {
        let mut bytes = recorded::TRACE_LEGACY.as_bytes()[..cut].to_vec();
        prop_assert!(serde_json::from_slice::<legacy::Envelope<legacy::Trace>>(&bytes).is_err());
        if let Some(last) = bytes.last_mut() {
            *last = flip;
        }
        let _ = serde_json::from_slice::<legacy::Envelope<legacy::Trace>>(&bytes);
        let _ = v3::read_traces(&bytes);
    }
}
