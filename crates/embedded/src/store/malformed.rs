//! Why bytes are no OTLP.

use super::wire::DEPTH;

/// Why bytes are not the OTLP message they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends in the middle of a field, or a field reaches over its message's end.
    #[error("{message} is cut short")]
    CutShort {
        /// The message type.
        message: &'static str,
    },
    /// A number of more than 64 bits.
    #[error("{message} has a number of more than 64 bits")]
    Varint {
        /// The message type.
        message: &'static str,
    },
    /// A field number of 0 or of more than 29 bits, or a wire type that does not exist.
    #[error("{message} has an invalid field key {key}")]
    Key {
        /// The message type.
        message: &'static str,
        /// The key as it was read.
        key: u64,
    },
    /// A field of a known number has another type than in OTLP.
    #[error("field {field} of {message} has wire type {found}, not {expected}")]
    WireType {
        /// The message type.
        message: &'static str,
        /// The field's number.
        field: u32,
        /// The wire type in OTLP.
        expected: u8,
        /// The wire type that was read.
        found: u8,
    },
    /// The end of a group that did not begin.
    #[error("{message} ends a group that it did not begin")]
    Group {
        /// The message type.
        message: &'static str,
    },
    /// Too many messages inside one another.
    #[error("{message} lies deeper than {DEPTH} messages")]
    TooDeep {
        /// The message type.
        message: &'static str,
    },
    /// More than the 2 GiB that a protobuf message can have.
    #[error("{bytes} bytes are more than a protobuf message can have")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}
