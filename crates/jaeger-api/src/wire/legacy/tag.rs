//! Key, type and value: the form of all attributes in the legacy API.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::wire::json::float_text;
use crate::wire::lenient;

/// Whether a JavaScript number holds this integer exactly; others are written as texts.
const fn is_safe(value: i64) -> bool {
    value.unsigned_abs() < 1 << 53
}

/// One attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// The name.
    pub key: String,
    /// The value with its type.
    pub value: TagValue,
}

/// A typed value. Lists and maps arrive here as the JSON text that Jaeger makes of them.
#[derive(Debug, Clone, PartialEq)]
pub enum TagValue {
    /// `string`.
    String(String),
    /// `bool`.
    Bool(bool),
    /// `int64`.
    Int64(i64),
    /// `float64`.
    Float64(f64),
    /// `binary`, written in base64.
    Binary(Vec<u8>),
}

impl Tag {
    /// A tag of a name and a value.
    pub fn new(key: impl Into<String>, value: impl Into<TagValue>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

impl TagValue {
    /// The type's name on the wire.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int64(_) => "int64",
            Self::Float64(_) => "float64",
            Self::Binary(_) => "binary",
        }
    }
}

impl fmt::Display for TagValue {
    /// The value as text, which is how Jaeger compares tags.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(value) => f.write_str(value),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int64(value) => write!(f, "{value}"),
            Self::Float64(value) => f.write_str(&float_text(*value)),
            Self::Binary(value) => f.write_str(&STANDARD.encode(value)),
        }
    }
}

impl From<&str> for TagValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for TagValue {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<bool> for TagValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for TagValue {
    fn from(value: i64) -> Self {
        Self::Int64(value)
    }
}

impl From<f64> for TagValue {
    fn from(value: f64) -> Self {
        Self::Float64(value)
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Tag", 3)?;
        fields.serialize_field("key", &self.key)?;
        fields.serialize_field("type", self.value.type_name())?;
        match &self.value {
            TagValue::Bool(value) => fields.serialize_field("value", value)?,
            TagValue::Int64(value) if is_safe(*value) => fields.serialize_field("value", value)?,
            // JSON has no such numbers; a text at least shows what was recorded.
            TagValue::Float64(value) if value.is_finite() => fields.serialize_field("value", value)?,
            TagValue::String(value) => fields.serialize_field("value", value)?,
            other => fields.serialize_field("value", &other.to_string())?,
        }
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// The value can only be understood once the type is known, and either may come first.
        #[derive(serde::Deserialize)]
        struct Raw {
            #[serde(default, deserialize_with = "lenient::or_default")]
            key: String,
            #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
            type_name: String,
            #[serde(default)]
            value: serde_json::Value,
        }

        let Raw {
            key,
            type_name,
            value,
        } = Raw::deserialize(deserializer)?;
        let value = match typed(&type_name, value) {
            Ok(value) => value,
            Err(error) => {
                return Err(D::Error::custom(format_args!(
                    "tag {key:?} of type {type_name:?}: {error}"
                )));
            }
        };
        Ok(Self { key, value })
    }
}

/// A value of the named type; without a known type, of the type that the JSON has.
fn typed(type_name: &str, value: serde_json::Value) -> Result<TagValue, serde_json::Error> {
    match type_name.to_ascii_lowercase().as_str() {
        "bool" => lenient::truth(value).map(TagValue::Bool),
        "int64" => lenient::integer(value).map(TagValue::Int64),
        "float64" => lenient::float(value).map(TagValue::Float64),
        "binary" => {
            let text: String = lenient::or_default(value)?;
            STANDARD
                .decode(text)
                .map(TagValue::Binary)
                .map_err(serde_json::Error::custom)
        }
        _ => Ok(match value {
            serde_json::Value::Null => TagValue::String(String::new()),
            serde_json::Value::Bool(value) => TagValue::Bool(value),
            serde_json::Value::String(value) => TagValue::String(value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(value) => TagValue::Int64(value),
                None => TagValue::Float64(number.as_f64().unwrap_or(f64::NAN)),
            },
            other => TagValue::String(other.to_string()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::{Tag, TagValue};

    #[rstest]
    #[case::string(Tag::new("k", "v"), json!({"key": "k", "type": "string", "value": "v"}))]
    #[case::bool(Tag::new("k", false), json!({"key": "k", "type": "bool", "value": false}))]
    #[case::safe_int(Tag::new("k", 9_007_199_254_740_991), json!({"key": "k", "type": "int64", "value": 9_007_199_254_740_991_i64}))]
    #[case::unsafe_int(Tag::new("k", -9_007_199_254_740_992), json!({"key": "k", "type": "int64", "value": "-9007199254740992"}))]
    #[case::smallest_int(Tag::new("k", i64::MIN), json!({"key": "k", "type": "int64", "value": "-9223372036854775808"}))]
    #[case::float(Tag::new("k", 72.5), json!({"key": "k", "type": "float64", "value": 72.5}))]
    #[case::infinity(Tag::new("k", f64::INFINITY), json!({"key": "k", "type": "float64", "value": "Infinity"}))]
    #[case::binary(Tag::new("k", TagValue::Binary(vec![1, 2, 3, 255])), json!({"key": "k", "type": "binary", "value": "AQID/w=="}))]
    fn values_keep_their_type_in_both_directions(#[case] tag: Tag, #[case] expected: serde_json::Value) {
        assert_eq!(serde_json::to_value(&tag).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Tag>(expected).unwrap(), tag);
    }

    #[rstest]
    #[case::int_as_text(json!({"key": "k", "type": "int64", "value": "7"}), TagValue::Int64(7))]
    #[case::int_as_float(json!({"key": "k", "type": "int64", "value": 7.0}), TagValue::Int64(7))]
    #[case::bool_as_text(json!({"key": "k", "type": "bool", "value": "true"}), TagValue::Bool(true))]
    #[case::value_first(json!({"value": 3, "type": "float64", "key": "k"}), TagValue::Float64(3.0))]
    #[case::no_type(json!({"key": "k", "value": 3}), TagValue::Int64(3))]
    #[case::no_value(json!({"key": "k", "type": "string"}), TagValue::String(String::new()))]
    #[case::type_in_capitals(json!({"key": "k", "type": "INT64", "value": 3}), TagValue::Int64(3))]
    #[case::list_as_text(json!({"key": "k", "type": "string", "value": [1]}), TagValue::String("[1]".to_owned()))]
    fn other_spellings_are_read(#[case] spelled: serde_json::Value, #[case] expected: TagValue) {
        assert_eq!(serde_json::from_value::<Tag>(spelled).unwrap().value, expected);
    }

    #[test]
    fn a_value_that_is_not_of_its_type_is_refused_by_name() {
        let error = serde_json::from_value::<Tag>(json!({"key": "port", "type": "int64", "value": "high"}))
            .unwrap_err();
        assert!(
            error.to_string().contains("tag \"port\" of type \"int64\""),
            "{error}"
        );
    }
}
