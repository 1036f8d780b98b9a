//! OTLP's attribute values.

use std::fmt;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::wire::json::{Spelling, float_text, to_vec};
use crate::wire::lenient;

/// One attribute.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct KeyValue {
    /// The name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub key: String,
    /// The value.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub value: AnyValue,
}

/// A value of any type, written as an object with one field that names the type.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AnyValue {
    /// No value at all, written `{}`.
    #[default]
    Unset,
    /// `stringValue`.
    String(String),
    /// `boolValue`.
    Bool(bool),
    /// `intValue`, a text.
    Int(i64),
    /// `doubleValue`; what JSON can't write is a text.
    Double(f64),
    /// `arrayValue`.
    Array(Vec<AnyValue>),
    /// `kvlistValue`.
    Map(Vec<KeyValue>),
    /// `bytesValue`, in base64.
    Bytes(Vec<u8>),
}

impl KeyValue {
    /// An attribute of a name and a value.
    pub fn new(key: impl Into<String>, value: impl Into<AnyValue>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

impl AnyValue {
    /// The text, when it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether plain JSON can hold it: not-a-number and the infinities can't be written there.
    fn is_json(&self) -> bool {
        match self {
            Self::Double(value) => value.is_finite(),
            Self::Array(values) => values.iter().all(Self::is_json),
            Self::Map(pairs) => pairs.iter().all(|pair| pair.value.is_json()),
            Self::Unset | Self::String(_) | Self::Bool(_) | Self::Int(_) | Self::Bytes(_) => true,
        }
    }

    /// The list, when it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }
}

impl fmt::Display for AnyValue {
    /// The value as text, which is how Jaeger compares tags and how lists and maps appear in the legacy API: texts as
    /// they are, nothing for no value, base64 for bytes, JSON for lists and maps. A list or map with a float that JSON
    /// can't write is nothing as a whole, as in Jaeger.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => Ok(()),
            Self::String(value) => f.write_str(value),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => f.write_str(&float_text(*value)),
            Self::Bytes(value) => f.write_str(&STANDARD.encode(value)),
            Self::Array(_) | Self::Map(_) if !self.is_json() => Ok(()),
            Self::Array(_) | Self::Map(_) => {
                let json = to_vec(&Plain(self), Spelling::Legacy).map_err(|_| fmt::Error)?;
                f.write_str(std::str::from_utf8(&json).map_err(|_| fmt::Error)?)
            }
        }
    }
}

impl From<&str> for AnyValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for AnyValue {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<bool> for AnyValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for AnyValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for AnyValue {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

/// A value as plain JSON without type names; a map's keys in order.
struct Plain<'a>(&'a AnyValue);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AnyValue::Unset => serializer.serialize_none(),
            AnyValue::Bool(value) => serializer.serialize_bool(*value),
            AnyValue::Int(value) => serializer.serialize_i64(*value),
            AnyValue::Double(value) => serializer.serialize_f64(*value),
            AnyValue::Array(values) => serializer.collect_seq(values.iter().map(Plain)),
            AnyValue::Map(pairs) => {
                let sorted: std::collections::BTreeMap<_, _> = pairs
                    .iter()
                    .map(|pair| (pair.key.as_str(), Plain(&pair.value)))
                    .collect();
                serializer.collect_map(sorted)
            }
            AnyValue::String(_) | AnyValue::Bytes(_) => serializer.collect_str(self.0),
        }
    }
}

impl Serialize for AnyValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// A repeated field of the protobuf message that holds a list or a map.
        #[derive(serde::Serialize)]
        struct Values<'a, T> {
            #[serde(skip_serializing_if = "<[T]>::is_empty")]
            values: &'a [T],
        }

        let mut fields = serializer.serialize_map(Some(usize::from(*self != Self::Unset)))?;
        match self {
            Self::Unset => {}
            Self::String(value) => fields.serialize_entry("stringValue", value)?,
            Self::Bool(value) => fields.serialize_entry("boolValue", value)?,
            Self::Int(value) => fields.serialize_entry("intValue", &value.to_string())?,
            Self::Double(value) if value.is_finite() => fields.serialize_entry("doubleValue", value)?,
            Self::Double(value) => fields.serialize_entry("doubleValue", &float_text(*value))?,
            Self::Array(values) => fields.serialize_entry("arrayValue", &Values { values })?,
            Self::Map(values) => fields.serialize_entry("kvlistValue", &Values { values })?,
            Self::Bytes(value) => fields.serialize_entry("bytesValue", &STANDARD.encode(value))?,
        }
        fields.end()
    }
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = AnyValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an attribute value such as {\"stringValue\": \"…\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<AnyValue, A::Error> {
                let mut value = AnyValue::Unset;
                while let Some(name) = fields.next_key::<String>()? {
                    match fields.next_value_seed(Typed(&name))? {
                        AnyValue::Unset => {}
                        typed => value = typed,
                    }
                }
                Ok(value)
            }

            fn visit_unit<E: Error>(self) -> Result<AnyValue, E> {
                Ok(AnyValue::Unset)
            }
        }

        deserializer.deserialize_any(Object)
    }
}

/// Reads a field of the value object by its name; `null` and unknown fields are no value.
struct Typed<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = AnyValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<AnyValue, D::Error> {
        /// The protobuf message that holds a list or a map.
        #[derive(serde::Deserialize)]
        struct Values<T> {
            values: Option<Vec<T>>,
        }

        /// An integer or a float needs its own reader; behind this type it can be `null` too.
        struct Number<T>(T);

        impl<'de> Deserialize<'de> for Number<i64> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                lenient::integer(deserializer).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for Number<f64> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                lenient::float(deserializer).map(Self)
            }
        }

        let value = match self.0 {
            "stringValue" => Option::deserialize(deserializer)?.map(AnyValue::String),
            "boolValue" => Option::deserialize(deserializer)?.map(AnyValue::Bool),
            "intValue" => Option::deserialize(deserializer)?.map(|Number(value)| AnyValue::Int(value)),
            "doubleValue" => Option::deserialize(deserializer)?.map(|Number(value)| AnyValue::Double(value)),
            "arrayValue" => Option::<Values<_>>::deserialize(deserializer)?
                .map(|list| AnyValue::Array(list.values.unwrap_or_default())),
            "kvlistValue" => Option::<Values<_>>::deserialize(deserializer)?
                .map(|map| AnyValue::Map(map.values.unwrap_or_default())),
            "bytesValue" => match Option::<String>::deserialize(deserializer)? {
                Some(text) => Some(AnyValue::Bytes(bytes(&text).map_err(D::Error::custom)?)),
                None => None,
            },
            _ => {
                IgnoredAny::deserialize(deserializer)?;
                None
            }
        };
        Ok(value.unwrap_or_default())
    }
}

/// Base64 of either alphabet, padded or not, as protobuf's JSON mapping allows.
fn bytes(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const LENIENT: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG);
    const LENIENT_URL: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, CONFIG);

    LENIENT
        .decode(text)
        .or_else(|error| LENIENT_URL.decode(text).map_err(|_| error))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::{AnyValue, KeyValue};

    fn list() -> AnyValue {
        AnyValue::Array(vec![
            "x".into(),
            3.into(),
            1.0.into(),
            true.into(),
            AnyValue::Bytes(vec![1, 2]),
            AnyValue::Unset,
        ])
    }

    fn map() -> AnyValue {
        AnyValue::Map(vec![KeyValue::new("b", 1), KeyValue::new("a", "<t>")])
    }

    #[rstest]
    #[case(AnyValue::Unset, json!({}))]
    #[case("".into(), json!({"stringValue": ""}))]
    #[case(false.into(), json!({"boolValue": false}))]
    #[case(i64::MIN.into(), json!({"intValue": "-9223372036854775808"}))]
    #[case(72.5.into(), json!({"doubleValue": 72.5}))]
    #[case(f64::INFINITY.into(), json!({"doubleValue": "Infinity"}))]
    #[case(AnyValue::Bytes(vec![1, 2, 3, 255]), json!({"bytesValue": "AQID/w=="}))]
    #[case(AnyValue::Array(vec![]), json!({"arrayValue": {}}))]
    #[case(AnyValue::Map(vec![]), json!({"kvlistValue": {}}))]
    #[case(list(), json!({"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "3"}, {"doubleValue": 1.0}, {"boolValue": true}, {"bytesValue": "AQI="}, {}]}}))]
    #[case(map(), json!({"kvlistValue": {"values": [{"key": "b", "value": {"intValue": "1"}}, {"key": "a", "value": {"stringValue": "<t>"}}]}}))]
    fn every_type_is_written_and_read(#[case] value: AnyValue, #[case] expected: serde_json::Value) {
        assert_eq!(serde_json::to_value(&value).unwrap(), expected);
        assert_eq!(serde_json::from_value::<AnyValue>(expected).unwrap(), value);
    }

    #[rstest]
    #[case(json!(null), AnyValue::Unset)]
    #[case(json!({"stringValue": null}), AnyValue::Unset)]
    #[case(json!({"intValue": 7}), 7.into())]
    #[case(json!({"intValue": 7.0}), 7.into())]
    #[case(json!({"doubleValue": "1.5"}), 1.5.into())]
    #[case(json!({"arrayValue": {"values": null}}), AnyValue::Array(vec![]))]
    #[case(json!({"bytesValue": "_w"}), AnyValue::Bytes(vec![255]))]
    #[case(json!({"futureValue": [1, {"a": 2}], "boolValue": true}), true.into())]
    fn other_spellings_are_read(#[case] spelled: serde_json::Value, #[case] expected: AnyValue) {
        assert_eq!(serde_json::from_value::<AnyValue>(spelled).unwrap(), expected);
    }

    #[rstest]
    #[case(json!("bare"))]
    #[case(json!({"intValue": "many"}))]
    #[case(json!({"bytesValue": "?"}))]
    #[case(json!({"arrayValue": [1]}))]
    fn what_is_no_value_is_refused(#[case] spelled: serde_json::Value) {
        assert!(serde_json::from_value::<AnyValue>(spelled).is_err());
    }

    #[rstest]
    #[case(list(), r#"["x",3,1,true,"AQI=",null]"#)]
    #[case(map(), r#"{"a":"\u003ct\u003e","b":1}"#)]
    #[case(AnyValue::Array(vec![map(), AnyValue::Array(vec![])]), r#"[{"a":"\u003ct\u003e","b":1},[]]"#)]
    #[case(AnyValue::Array(vec![1.0.into(), AnyValue::Array(vec![f64::NAN.into()])]), "")]
    #[case(AnyValue::Unset, "")]
    #[case("<t>".into(), "<t>")]
    #[case(72.0.into(), "72")]
    fn as_text_it_reads_as_in_jaeger(#[case] value: AnyValue, #[case] expected: &str) {
        assert_eq!(value.to_string(), expected);
    }

    #[test]
    fn not_a_number_is_a_text_in_json() {
        let value = serde_json::to_value(AnyValue::Double(f64::NAN)).unwrap();
        assert_eq!(value, json!({"doubleValue": "NaN"}));
        assert!(matches!(serde_json::from_value(value).unwrap(), AnyValue::Double(read) if read.is_nan()));
    }
}
