//! Trace, span and request ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text or a byte string is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} id {found:?}: {reason}")]
pub struct InvalidId {
    /// `trace`, `span` or `request`.
    pub kind: &'static str,
    /// The text as it was given, or the bytes in hexadecimal.
    pub found: String,
    /// What the rule is that it breaks.
    pub reason: &'static str,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Makes an id of raw bytes.
            ///
            /// # Errors
            /// All bytes zero is invalid in W3C Trace Context and in OTLP.
            pub fn from_bytes(bytes: [u8; $bytes]) -> Result<Self, InvalidId> {
                if bytes == [0; $bytes] {
                    return Err(InvalidId { kind: $kind, found: "0".repeat($bytes * 2), reason: "all zero" });
                }
                Ok(Self(bytes))
            }

            /// The raw bytes, most significant first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// The first four digits and `…`, for sentences in which the whole id would only be in the way.
            #[must_use]
            pub fn short(&self) -> String {
                format!("{:02x}{:02x}…", self.0[0], self.0[1])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Reads hexadecimal digits of either case. Fewer digits than the full width are padded on the left,
            /// because Jaeger drops the upper half of a 64-bit trace id.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = |reason| InvalidId { kind: $kind, found: text.to_owned(), reason };
                if text.is_empty() {
                    return Err(invalid("empty"));
                }
                if text.len() > $bytes * 2 {
                    return Err(invalid("too many digits"));
                }
                let mut bytes = [0u8; $bytes];
                for (place, digit) in text.bytes().rev().enumerate() {
                    let value = (digit as char).to_digit(16).ok_or_else(|| invalid("not hexadecimal"))?;
                    bytes[$bytes - 1 - place / 2] |= (value as u8) << (4 * (place % 2));
                }
                Self::from_bytes(bytes).map_err(|_| invalid("all zero"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id! {
    /// A 128-bit trace id of W3C Trace Context; never all zero, printed as 32 lower-case digits.
    TraceId, 16, "trace"
}

hex_id! {
    /// A 64-bit span id of W3C Trace Context; never all zero, printed as 16 lower-case digits.
    SpanId, 8, "span"
}

/// The value of `x-request-id`: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason| InvalidId {
            kind: "request",
            found: text.to_owned(),
            reason,
        };
        match text {
            "" => Err(invalid("empty")),
            _ if text.len() > 128 => Err(invalid("longer than 128 characters")),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(invalid("not visible ASCII")),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
