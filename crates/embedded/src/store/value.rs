//! Attribute values in Jaeger's form, whose text is what a search compares.

use jaeger_api::wire::v3;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// Takes over attributes in their order; nothing is lost.
pub(crate) fn attributes(attributes: Vec<KeyValue>) -> Vec<v3::KeyValue> {
    let attribute = |attribute: KeyValue| v3::KeyValue {
        key: attribute.key,
        value: attribute.value.map(value).unwrap_or_default(),
    };
    attributes.into_iter().map(attribute).collect()
}

/// Takes over a value.
pub(super) fn value(value: AnyValue) -> v3::AnyValue {
    match value.value {
        Some(Value::StringValue(text)) => v3::AnyValue::String(text),
        Some(Value::BoolValue(value)) => v3::AnyValue::Bool(value),
        Some(Value::IntValue(value)) => v3::AnyValue::Int(value),
        Some(Value::DoubleValue(value)) => v3::AnyValue::Double(value),
        Some(Value::BytesValue(bytes)) => v3::AnyValue::Bytes(bytes),
        Some(Value::ArrayValue(list)) => {
            v3::AnyValue::Array(list.values.into_iter().map(self::value).collect())
        }
        Some(Value::KvlistValue(map)) => v3::AnyValue::Map(attributes(map.values)),
        // An index into a profile's text table means nothing in a trace.
        Some(Value::StringValueStrindex(_)) | None => v3::AnyValue::Unset,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
    use rstest::rstest;

    use super::*;

    fn any(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[rstest]
    #[case(Value::StringValue("a\"b".to_owned()), "a\"b")]
    #[case(Value::BoolValue(true), "true")]
    #[case(Value::IntValue(-3), "-3")]
    #[case(Value::DoubleValue(72.5), "72.5")]
    #[case(Value::DoubleValue(3.0), "3")]
    #[case(Value::DoubleValue(-0.0), "-0")]
    #[case(Value::DoubleValue(1e20), "100000000000000000000")]
    #[case(Value::DoubleValue(1.5e21), "1.5e+21")]
    #[case(Value::DoubleValue(1e-7), "1e-7")]
    #[case(Value::DoubleValue(0.000_001), "0.000001")]
    #[case(Value::DoubleValue(f64::INFINITY), "Infinity")]
    #[case(Value::DoubleValue(f64::NAN), "NaN")]
    #[case(Value::BytesValue(vec![1, 2, 255]), "AQL/")]
    #[case(Value::StringValueStrindex(3), "")]
    fn writes_a_value_as_jaeger_does(#[case] value: Value, #[case] text: &str) {
        assert_eq!(super::value(any(value)).to_string(), text);
    }

    #[test]
    fn writes_lists_and_maps_as_json_with_sorted_keys_and_html_escapes() {
        let entry = |key: &str, value| KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        };
        let list = any(Value::ArrayValue(ArrayValue {
            values: vec![
                any(Value::IntValue(1)),
                AnyValue { value: None },
                any(Value::BytesValue(vec![0])),
            ],
        }));
        let map = any(Value::KvlistValue(KeyValueList {
            values: vec![
                entry("b", Some(list)),
                entry("a", Some(any(Value::StringValue("first".to_owned())))),
                entry("a", Some(any(Value::StringValue("<\u{1}\u{8}>".to_owned())))),
                entry("c", None),
            ],
        }));
        assert_eq!(
            value(map).to_string(),
            r#"{"a":"\u003c\u0001\b\u003e","b":[1,null,"AA=="],"c":null}"#
        );
    }

    #[test]
    fn a_list_with_a_number_that_json_cannot_have_is_empty() {
        let list = Value::ArrayValue(ArrayValue {
            values: vec![any(Value::DoubleValue(f64::NAN))],
        });
        assert_eq!(value(any(list)).to_string(), "");
    }
}
