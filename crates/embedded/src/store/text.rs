//! Attribute values as Jaeger writes and compares them: as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// The text of a value: texts as they are, numbers in the shortest form that reads back, bytes as base64, lists and
/// maps as JSON with sorted keys, and no value as an empty text.
///
/// These are the rules of the Collector's `pcommon.Value.AsString`, which Jaeger compares search tags by.
#[must_use]
pub fn value_text(value: &AnyValue) -> String {
    match &value.value {
        None | Some(Value::StringValueStrindex(_)) => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => {
            double(*value).unwrap_or_else(|special| format!("json: unsupported value: {special}"))
        }
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes),
        Some(Value::ArrayValue(_) | Value::KvlistValue(_)) => {
            let mut json = String::new();
            // A list with a number that JSON can't have has no text at all.
            if put_json(value, &mut json).is_none() {
                String::new()
            } else {
                json
            }
        }
    }
}

/// As Go's `encoding/json` writes a double; the name of what it cannot write.
fn double(value: f64) -> Result<String, &'static str> {
    if value.is_nan() {
        return Err("NaN");
    }
    if value.is_infinite() {
        return Err(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return Ok(value.to_string());
    }
    let text = format!("{value:e}");
    Ok(if size < 1.0 { text } else { text.replace('e', "e+") })
}

fn put_json(value: &AnyValue, json: &mut String) -> Option<()> {
    match &value.value {
        None | Some(Value::StringValueStrindex(_)) => json.push_str("null"),
        Some(Value::StringValue(text)) => quote(text, json),
        Some(Value::BytesValue(bytes)) => quote(&STANDARD.encode(bytes), json),
        Some(Value::BoolValue(_) | Value::IntValue(_)) => json.push_str(&value_text(value)),
        Some(Value::DoubleValue(value)) => json.push_str(&double(*value).ok()?),
        Some(Value::ArrayValue(list)) => {
            json.push('[');
            for (place, value) in list.values.iter().enumerate() {
                json.push_str(if place > 0 { "," } else { "" });
                put_json(value, json)?;
            }
            json.push(']');
        }
        Some(Value::KvlistValue(map)) => {
            // Of equal keys the last counts, as in the map that Go makes of the list.
            let sorted = map.values.iter().map(|KeyValue { key, value, .. }| (key, value));
            let sorted: BTreeMap<_, _> = sorted.collect();
            json.push('{');
            for (place, (key, value)) in sorted.into_iter().enumerate() {
                json.push_str(if place > 0 { "," } else { "" });
                quote(key, json);
                json.push(':');
                match value {
                    Some(value) => put_json(value, json)?,
                    None => json.push_str("null"),
                }
            }
            json.push('}');
        }
    }
    Some(())
}

/// A JSON text with the escapes that Go uses.
fn quote(text: &str, json: &mut String) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let written = write!(json, "\\u{:04x}", u32::from(character));
                debug_assert!(written.is_ok(), "a text takes whatever is written to it");
            }
            _ => json.push(character),
        }
    }
    json.push('"');
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
    #[case(Value::DoubleValue(f64::INFINITY), "json: unsupported value: +Inf")]
    #[case(Value::DoubleValue(f64::NAN), "json: unsupported value: NaN")]
    #[case(Value::BytesValue(vec![1, 2, 255]), "AQL/")]
    #[case(Value::StringValueStrindex(3), "")]
    fn writes_a_value_as_jaeger_does(#[case] value: Value, #[case] text: &str) {
        assert_eq!(value_text(&any(value)), text);
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
            value_text(&map),
            r#"{"a":"\u003c\u0001\b\u003e","b":[1,null,"AA=="],"c":null}"#
        );
    }

    #[test]
    fn a_list_with_a_number_that_json_cannot_have_is_empty() {
        let list = Value::ArrayValue(ArrayValue {
            values: vec![any(Value::DoubleValue(f64::NAN))],
        });
        assert_eq!(value_text(&any(list)), "");
    }
}
