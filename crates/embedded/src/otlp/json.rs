//! OTLP/JSON into OTLP/protobuf, field by field by the table of messages; no message is built on the way.
//!
//! The rules are those of the OTLP 1.11 specification and of protobuf's JSON mapping: ids in hexadecimal of either
//! case, enumerations as numbers, 64-bit integers as numbers or texts, bytes as base64 of either alphabet, `null` as
//! absence, unknown fields passed over.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::encoding::{WireType, encode_key, encode_varint};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::store::schema::{self, Field, Kind, Message};
use crate::store::wire::put;

/// Encodes the JSON form of an `ExportTraceServiceRequest` as protobuf.
///
/// # Errors
/// When it is not JSON, not UTF-8, nested too deep, or not in the form that OTLP has; with line and column.
pub(super) fn to_protobuf(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    // As a whole: what is passed over would not be looked at otherwise.
    let json = str::from_utf8(json).map_err(serde_json::Error::custom)?;
    let mut encoded = Vec::with_capacity(json.len() / 2);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Object {
        message: &schema::REQUEST,
        encoded: &mut encoded,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(encoded)
}

/// A JSON object that becomes a message's fields.
struct Object<'e> {
    message: &'static Message,
    encoded: &'e mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object: {}", self.message.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name(self.message))? {
            match field {
                Some((number, field)) => {
                    map.next_value_seed(Member {
                        number,
                        field,
                        encoded: self.encoded,
                    })?;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A name in an object, looked up without a copy.
struct Name(&'static Message);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<(u32, &'static Field)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<(u32, &'static Field)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field_named(name))
    }
}

/// The value of a field: nothing, a list, or one value.
struct Member<'e> {
    number: u32,
    field: &'static Field,
    encoded: &'e mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for {}",
            if self.field.repeated { "a list" } else { "a value" },
            self.field.name
        )
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.field.repeated {
            deserializer.deserialize_seq(self)
        } else {
            let Self {
                number,
                field,
                encoded,
            } = self;
            Single {
                number,
                field,
                encoded,
            }
            .deserialize(deserializer)
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self {
            number,
            field,
            encoded,
        } = self;
        while list
            .next_element_seed(Single {
                number,
                field,
                encoded: &mut *encoded,
            })?
            .is_some()
        {}
        Ok(())
    }
}

/// One value of a field or of a list.
struct Single<'e> {
    number: u32,
    field: &'static Field,
    encoded: &'e mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Single<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.field.kind {
            Kind::Message(message) => {
                encode_key(self.number, WireType::LengthDelimited, self.encoded);
                let start = self.encoded.len();
                Object {
                    message,
                    encoded: &mut *self.encoded,
                }
                .deserialize(deserializer)?;
                // The length is only known now, and its own length with it.
                let mut length = Vec::with_capacity(5);
                encode_varint((self.encoded.len() - start) as u64, &mut length);
                self.encoded.splice(start..start, length);
                Ok(())
            }
            Kind::Text | Kind::Id(_) | Kind::Bytes => deserializer.deserialize_str(self),
            Kind::Bool => deserializer.deserialize_bool(self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl Single<'_> {
    fn bytes(self, bytes: &[u8]) {
        put(self.number, bytes, self.encoded);
    }

    fn varint(self, value: u64) {
        encode_key(self.number, WireType::Varint, self.encoded);
        encode_varint(value, self.encoded);
    }

    fn fixed64(self, value: u64) {
        encode_key(self.number, WireType::SixtyFourBit, self.encoded);
        self.encoded.extend_from_slice(&value.to_le_bytes());
    }

    fn fixed32(self, value: u32) {
        encode_key(self.number, WireType::ThirtyTwoBit, self.encoded);
        self.encoded.extend_from_slice(&value.to_le_bytes());
    }

    fn integer<E: Error>(self, value: i128) -> Result<(), E> {
        let name = self.field.name;
        let range = |_| E::custom(format!("{name}: {value} is out of range"));
        match self.field.kind {
            // Protobuf extends a negative 32-bit number to 64 bits.
            Kind::Int32 => self.varint(i64::from(i32::try_from(value).map_err(range)?) as u64),
            Kind::Uint32 => self.varint(u64::from(u32::try_from(value).map_err(range)?)),
            Kind::Int64 => self.varint(i64::try_from(value).map_err(range)? as u64),
            Kind::Fixed32 => self.fixed32(u32::try_from(value).map_err(range)?),
            Kind::Fixed64 => self.fixed64(u64::try_from(value).map_err(range)?),
            Kind::Double => self.fixed64((value as f64).to_bits()),
            _ => return Err(E::custom(format!("{name}: not a number"))),
        }
        Ok(())
    }
}

impl Visitor<'_> for Single<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.field.kind {
            Kind::Text => "a text",
            Kind::Id(_) => "an id in hexadecimal",
            Kind::Bytes => "bytes in base64",
            Kind::Bool => "true or false",
            Kind::Int32 => "an integer",
            _ => "a number or a text with one",
        };
        write!(f, "{expected} for {}", self.field.name)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if !matches!(self.field.kind, Kind::Bool) {
            return Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self));
        }
        self.varint(u64::from(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.integer(i128::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.integer(i128::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double => {
                self.fixed64(value.to_bits());
                Ok(())
            }
            // 1e3 and 1.0 are integers in protobuf's JSON; beyond 2^53 a double does not say which one.
            _ if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 => {
                self.integer(value as i128)
            }
            _ => Err(E::invalid_value(serde::de::Unexpected::Float(value), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let invalid = |single: &Self| E::invalid_value(serde::de::Unexpected::Str(text), single);
        match self.field.kind {
            Kind::Text => self.bytes(text.as_bytes()),
            Kind::Id(_) => match unhex(text) {
                Some(id) => self.bytes(&id),
                None => return Err(invalid(&self)),
            },
            Kind::Bytes => match unbase64(text) {
                Some(bytes) => self.bytes(&bytes),
                None => return Err(invalid(&self)),
            },
            Kind::Double => match text.parse::<f64>() {
                // Rust reads more names of the special values than protobuf has.
                Ok(value) if value.is_finite() || matches!(text, "NaN" | "Infinity" | "-Infinity") => {
                    self.fixed64(value.to_bits());
                }
                _ => return Err(invalid(&self)),
            },
            Kind::Uint32 | Kind::Int64 | Kind::Fixed32 | Kind::Fixed64 => match text.parse::<i128>() {
                Ok(value) => return self.integer(value),
                Err(_) => return Err(invalid(&self)),
            },
            _ => return Err(invalid(&self)),
        }
        Ok(())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    // The decoder would also take a leading 0x, which OTLP does not have.
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| const_hex::decode(text).ok()).flatten()
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
