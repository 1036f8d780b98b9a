//! Picks the few fields out of encoded messages that the store itself looks at, and checks the rest.

use trace::SpanKind;

use super::malformed::Malformed;
use super::schema;
use super::wire::{Flaw, Key, Reader};

/// How a span ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    Unset,
    Ok,
    Error,
    /// A code that OTLP does not have.
    Other,
}

/// The fields of a span by which it is filed and found. Of a field that comes more than once, the last counts.
#[derive(Debug, Default)]
pub(super) struct Span<'a> {
    pub(super) trace_id: &'a [u8],
    pub(super) span_id: &'a [u8],
    pub(super) name: &'a str,
    pub(super) kind: SpanKind,
    /// Nanoseconds since the Unix epoch.
    pub(super) start: u64,
    /// Nanoseconds since the Unix epoch.
    pub(super) end: u64,
    pub(super) status: Status,
    pub(super) flaw: Option<Flaw>,
}

impl<'a> Span<'a> {
    /// Reads an encoded span and checks everything in it.
    pub(super) fn read(message: Reader<'a>) -> Result<Self, Malformed> {
        Self::fields(message, |message, key, flaw| match key.number {
            // By far the most frequent, so it is not looked up first.
            9 => message.message(key, &schema::KEY_VALUE)?.check_all(flaw),
            _ => message.check(key, flaw),
        })
    }

    /// Reads an encoded span that was checked before.
    pub(super) fn glance(message: Reader<'a>) -> Result<Self, Malformed> {
        Self::fields(message, |message, key, _| message.pass(key))
    }

    #[inline]
    fn fields(
        mut message: Reader<'a>,
        other: impl Fn(&mut Reader<'a>, Key, &mut Option<Flaw>) -> Result<(), Malformed>,
    ) -> Result<Self, Malformed> {
        let mut span = Self::default();
        while let Some(key) = message.key()? {
            match key.number {
                1 => span.trace_id = message.delimited(key)?,
                2 => span.span_id = message.delimited(key)?,
                5 => span.name = message.text(key, &mut span.flaw)?,
                6 => span.kind = kind(message.number(key)?),
                7 => span.start = message.fixed64(key)?,
                8 => span.end = message.fixed64(key)?,
                15 => {
                    let mut status = message.message(key, &schema::STATUS)?;
                    while let Some(key) = status.key()? {
                        match key.number {
                            3 => span.status = status_of(status.number(key)?),
                            _ => status.check(key, &mut span.flaw)?,
                        }
                    }
                }
                _ => other(&mut message, key, &mut span.flaw)?,
            }
        }
        Ok(span)
    }
}

/// An enumeration's number as a status.
const fn status_of(number: u64) -> Status {
    match number as u32 {
        0 => Status::Unset,
        1 => Status::Ok,
        2 => Status::Error,
        _ => Status::Other,
    }
}

/// An enumeration's number as a kind; a number that OTLP does not have means unspecified.
const fn kind(number: u64) -> SpanKind {
    // Protobuf reads a 32-bit enumeration from the lower half of a longer number.
    match number as u32 {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

/// Everything of a `ResourceSpans` or `ScopeSpans` message but its field 2, which holds the scopes or the spans;
/// checked, without fields that OTLP does not have.
pub(super) fn header(mut message: Reader<'_>, flaw: &mut Option<Flaw>) -> Result<Vec<u8>, Malformed> {
    let mut header = Vec::new();
    loop {
        let field = message.rest();
        let Some(key) = message.key()? else {
            return Ok(header);
        };
        match key.number {
            2 => drop(message.delimited(key)?),
            1 | 3 => {
                message.check(key, flaw)?;
                header.extend_from_slice(&field[..field.len() - message.rest().len()]);
            }
            _ => message.check(key, flaw)?,
        }
    }
}

/// The key of an encoded attribute that was checked before.
#[inline]
pub(super) fn key<'a>(mut attribute: Reader<'a>) -> Result<&'a [u8], Malformed> {
    let mut text = &b""[..];
    while let Some(key) = attribute.key()? {
        match key.number {
            1 => text = attribute.delimited(key)?,
            _ => attribute.pass(key)?,
        }
    }
    Ok(text)
}

/// The text in an encoded attribute that was checked before; `None` when its value is of another type or missing.
pub(super) fn text_value<'a>(mut attribute: Reader<'a>) -> Result<Option<&'a str>, Malformed> {
    let mut text = None;
    while let Some(key) = attribute.key()? {
        if key.number != 2 {
            attribute.pass(key)?;
            continue;
        }
        let mut value = attribute.message(key, &schema::ANY_VALUE)?;
        while let Some(key) = value.key()? {
            match key.number {
                1 => text = Some(value.text(key, &mut None)?),
                2..=8 => {
                    text = None;
                    value.pass(key)?;
                }
                _ => value.pass(key)?,
            }
        }
    }
    Ok(text)
}
