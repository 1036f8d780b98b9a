//! OTLP/JSON: what the specification and protobuf's JSON mapping allow, and nothing else.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};
use proptest::prelude::*;
use prost::Message;
use rstest::rstest;

use super::super::json::to_protobuf;
use crate::store::arbitrary;

/// The one span in a request that has these members.
fn span(members: &str) -> Result<Span, String> {
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#);
    let encoded = to_protobuf(json.as_bytes()).map_err(|error| error.to_string())?;
    let mut data = TracesData::decode(encoded.as_slice()).unwrap();
    Ok(data.resource_spans[0].scope_spans[0].spans.remove(0))
}

fn value(json: &str) -> Result<Option<Value>, String> {
    let span = span(&format!(r#""attributes":[{{"key":"k","value":{json}}}]"#))?;
    Ok(span.attributes[0].value.clone().and_then(|value| value.value))
}

#[rstest]
#[case(r#"{"stringValue":"é\u0000"}"#, Some(Value::StringValue("é\0".to_owned())))]
#[case(r#"{"boolValue":false}"#, Some(Value::BoolValue(false)))]
#[case(r#"{"intValue":"-9223372036854775808"}"#, Some(Value::IntValue(i64::MIN)))]
#[case(r#"{"intValue":42}"#, Some(Value::IntValue(42)))]
#[case(r#"{"intValue":1e3}"#, Some(Value::IntValue(1000)))]
#[case(r#"{"doubleValue":1}"#, Some(Value::DoubleValue(1.0)))]
#[case(r#"{"doubleValue":"-2.5"}"#, Some(Value::DoubleValue(-2.5)))]
#[case(r#"{"doubleValue":"-Infinity"}"#, Some(Value::DoubleValue(f64::NEG_INFINITY)))]
#[case(r#"{"bytesValue":"+/8="}"#, Some(Value::BytesValue(vec![0xfb, 0xff])))]
#[case(r#"{"bytesValue":"-_8"}"#, Some(Value::BytesValue(vec![0xfb, 0xff])))]
#[case(r#"{"arrayValue":{}}"#, Some(Value::ArrayValue(Default::default())))]
#[case(
    r#"{"kvlistValue":{"values":null}}"#,
    Some(Value::KvlistValue(Default::default()))
)]
#[case(r#"{"intValue":1,"stringValue":"the last one counts"}"#, Some(Value::StringValue("the last one counts".to_owned())))]
#[case(r#"{"newInOtlp2":[{"x":1}]}"#, None)]
#[case("{}", None)]
#[case("null", None)]
fn reads_a_value(#[case] json: &str, #[case] expected: Option<Value>) {
    assert_eq!(value(json), Ok(expected));
}

#[test]
fn reads_not_a_number() {
    let found = value(r#"{"doubleValue":"NaN"}"#).unwrap();
    assert!(
        matches!(found, Some(Value::DoubleValue(value)) if value.is_nan()),
        "{found:?}"
    );
}

#[rstest]
#[case(r#"{"intValue":"9223372036854775808"}"#, "out of range")]
#[case(r#"{"intValue":1.5}"#, "expected a number or a text with one for intValue")]
#[case(r#"{"intValue":"one"}"#, "expected a number or a text with one for intValue")]
#[case(r#"{"doubleValue":"inf"}"#, "for doubleValue")]
#[case(r#"{"boolValue":"true"}"#, "expected true or false for boolValue")]
#[case(r#"{"stringValue":1}"#, "expected a text for stringValue")]
#[case(r#"{"bytesValue":"*"}"#, "expected bytes in base64 for bytesValue")]
#[case(r#"{"arrayValue":{"values":[null]}}"#, "expected an object: AnyValue")]
#[case(r#""plain""#, "expected an object: AnyValue")]
fn refuses_a_value_of_another_type(#[case] json: &str, #[case] reason: &str) {
    let error = value(json).unwrap_err();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn reads_ids_in_hexadecimal_of_either_case_and_numbers_in_either_form() {
    let span = span(
        r#""traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","parentSpanId":"",
           "kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
           "flags":"257","droppedEventsCount":3,"status":{},"events":null,"name":null,"unknown":{"deep":[1,{}]}"#,
    );
    let span = span.unwrap();
    assert_eq!(
        const_hex::encode(&span.trace_id),
        "5b8efff798038103d269b633813fc60c"
    );
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (1_544_712_660_000_000_000, 1_544_712_661_000_000_000)
    );
    assert_eq!((span.kind, span.flags, span.dropped_events_count), (2, 257, 3));
    assert_eq!(
        (span.parent_span_id, span.name, span.status),
        (Vec::new(), String::new(), Some(Default::default()))
    );
}

#[rstest]
#[case(r#""traceId":"0x5b8e""#)]
#[case(r#""traceId":"5b8""#)]
#[case(r#""traceId":"W47/95gDgQPSabYzgT/GDA==""#)]
#[case(r#""traceId":17"#)]
#[case(r#""kind":"SPAN_KIND_SERVER""#)]
#[case(r#""kind":2147483648"#)]
#[case(r#""startTimeUnixNano":-1"#)]
#[case(r#""startTimeUnixNano":"1544712660000000000.5""#)]
#[case(r#""flags":4294967296"#)]
#[case(r#""events":{}"#)]
#[case(r#""status":[]"#)]
fn refuses_a_member_that_is_not_in_otlps_form(#[case] member: &str) {
    let refused = span(member);
    assert!(refused.is_err(), "{refused:?}");
}

#[rstest]
#[case("")]
#[case("null")]
#[case("[]")]
#[case("{")]
#[case("{} {}")]
#[case("\u{feff}{}")]
fn refuses_what_is_not_one_object(#[case] json: &str) {
    assert!(to_protobuf(json.as_bytes()).is_err());
}

proptest! {
    #[test]
    fn every_request_comes_through_json_unchanged(resource_spans in arbitrary::resource_spans()) {
        let data = TracesData { resource_spans };
        let json = serde_json::to_vec(&data).unwrap();
        let encoded = to_protobuf(&json).unwrap();
        prop_assert!(encoded.len() <= json.len());
        // Infinity has no form in what writes this JSON; compared is what was written.
        let written: TracesData = serde_json::from_slice(&json).unwrap();
        prop_assert_eq!(TracesData::decode(encoded.as_slice()).unwrap(), written);
    }

    #[test]
    fn damaged_json_is_refused_or_becomes_protobuf(
        json in arbitrary::resource_spans().prop_flat_map(|resource_spans| {
            arbitrary::damaged(serde_json::to_vec(&TracesData { resource_spans }).unwrap())
        })
    ) {
        if let Ok(encoded) = to_protobuf(&json) {
            prop_assert!(TracesData::decode(encoded.as_slice()).is_ok());
            prop_assert!(encoded.len() <= json.len());
        }
    }
}
