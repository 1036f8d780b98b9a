//! Ids as they appear on the wire, where all-zero means "none" and leading zeros may be missing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// An id of `N` bytes. Unlike [`trace::TraceId`] and [`trace::SpanId`] it may be all zero: some exporters write a
/// root's parent that way, and Jaeger stores links without an id as they come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<const N: usize>([u8; N]);

/// A trace id of 16 bytes.
pub type TraceId = Id<16>;

/// A span id of 8 bytes.
pub type SpanId = Id<8>;

impl<const N: usize> Id<N> {
    /// The id that stands for "none".
    pub const NONE: Self = Self([0; N]);

    /// An id of its bytes, most significant first.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes, most significant first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether all bytes are zero.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Reads hexadecimal digits of either case; missing leading digits are zero, and no digit at all is [`Id::NONE`].
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn from_hex(text: &str) -> Result<Self, &'static str> {
        if text.len() > 2 * N {
            return Err("too many digits");
        }
        let mut bytes = [0; N];
        for (place, digit) in text.bytes().rev().enumerate() {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                b'A'..=b'F' => digit - b'A' + 10,
                _ => return Err("not hexadecimal"),
            };
            bytes[N - 1 - place / 2] |= value << (4 * (place % 2));
        }
        Ok(Self(bytes))
    }
}

impl TraceId {
    /// How the legacy API writes a trace id: 16 digits when the upper 64 bits are zero, otherwise 32.
    #[must_use]
    pub fn to_legacy_text(self) -> String {
        let text = self.to_string();
        match text.strip_prefix("0000000000000000") {
            Some(lower) => lower.to_owned(),
            None => text,
        }
    }
}

impl<const N: usize> Default for Id<N> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<const N: usize> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<trace::TraceId> for TraceId {
    fn from(id: trace::TraceId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<trace::SpanId> for SpanId {
    fn from(id: trace::SpanId) -> Self {
        Self(*id.as_bytes())
    }
}

impl TryFrom<TraceId> for trace::TraceId {
    type Error = trace::InvalidId;

    fn try_from(id: TraceId) -> Result<Self, Self::Error> {
        Self::from_bytes(id.0)
    }
}

impl TryFrom<SpanId> for trace::SpanId {
    type Error = trace::InvalidId;

    fn try_from(id: SpanId) -> Result<Self, Self::Error> {
        Self::from_bytes(id.0)
    }
}

impl<const N: usize> Serialize for Id<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Id<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits<const N: usize>;

        impl<const N: usize> Visitor<'_> for Digits<N> {
            type Value = Id<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id of up to {} hexadecimal digits", 2 * N)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Id<N>, E> {
                Id::from_hex(text).map_err(|reason| E::custom(format_args!("invalid id {text:?}: {reason}")))
            }

            fn visit_unit<E: Error>(self) -> Result<Id<N>, E> {
                Ok(Id::NONE)
            }
        }

        deserializer.deserialize_any(Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, SpanId, TraceId};

    #[test]
    fn fewer_digits_are_padded_on_the_left() {
        assert_eq!(
            TraceId::from_hex("aB1").unwrap().to_string(),
            "00000000000000000000000000000ab1"
        );
        assert_eq!(SpanId::from_hex("").unwrap(), Id::NONE);
    }

    #[test]
    fn the_legacy_form_has_sixteen_digits_only_when_the_upper_half_is_zero() {
        let short = TraceId::from_hex("d269b633813fc60c").unwrap();
        let long = TraceId::from_hex("1d269b633813fc60c").unwrap();
        assert_eq!(short.to_legacy_text(), "d269b633813fc60c");
        assert_eq!(long.to_legacy_text(), "0000000000000001d269b633813fc60c");
        assert_eq!(TraceId::NONE.to_legacy_text(), "0000000000000000");
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_rule_it_breaks() {
        assert_eq!(
            SpanId::from_hex("00112233445566778").unwrap_err(),
            "too many digits"
        );
        assert_eq!(SpanId::from_hex("0x12").unwrap_err(), "not hexadecimal");
        let error = serde_json::from_str::<SpanId>("\"zz\"").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("invalid id \"zz\": not hexadecimal"),
            "{error}"
        );
        assert!(serde_json::from_str::<SpanId>("7").is_err());
    }

    #[test]
    fn null_is_no_id() {
        assert_eq!(serde_json::from_str::<SpanId>("null").unwrap(), Id::NONE);
    }
}
