//! Picks the few fields out of encoded messages that the store itself looks at, and checks the rest.

use trace::SpanKind;

use super::malformed::Malformed;
use super::schema;
use super::wire::{Flaw, Reader};

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
    pub(super) fn read(mut message: Reader<'a>) -> Result<Self, Malformed> {
        let mut span = Self::default();
        while let Some(key) = message.key()? {
            match key.number {
                1 => span.trace_id = message.delimited(key)?,
                2 => span.span_id = message.delimited(key)?,
                5 => span.name = message.text(key, &mut span.flaw)?,
                6 => span.kind = kind(message.number(key)?),
                7 => span.start = message.fixed64(key)?,
                8 => span.end = message.fixed64(key)?,
                9 => message
                    .message(key, &schema::KEY_VALUE)?
                    .check_all(&mut span.flaw)?,
                15 => {
                    let inner = message.message(key, &schema::STATUS)?;
                    span.status = status(inner, &mut span.flaw)?.unwrap_or(span.status);
                }
                _ => message.check(key, &mut span.flaw)?,
            }
        }
        Ok(span)
    }
}

fn status(mut message: Reader<'_>, flaw: &mut Option<Flaw>) -> Result<Option<Status>, Malformed> {
    let mut status = None;
    while let Some(key) = message.key()? {
        if key.number != 3 {
            message.check(key, flaw)?;
            continue;
        }
        status = Some(match message.number(key)? as u32 {
            0 => Status::Unset,
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Other,
        });
    }
    Ok(status)
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

/// The key of an encoded attribute.
pub(super) fn key<'a>(mut attribute: Reader<'a>) -> Result<&'a str, Malformed> {
    let mut text = "";
    while let Some(key) = attribute.key()? {
        match key.number {
            1 => text = attribute.text(key, &mut None)?,
            _ => attribute.check(key, &mut None)?,
        }
    }
    Ok(text)
}

/// The text in an encoded attribute; `None` when its value is of another type or missing.
pub(super) fn text_value<'a>(mut attribute: Reader<'a>) -> Result<Option<&'a str>, Malformed> {
    let mut text = None;
    while let Some(key) = attribute.key()? {
        if key.number != 2 {
            attribute.check(key, &mut None)?;
            continue;
        }
        let mut value = attribute.message(key, &schema::ANY_VALUE)?;
        while let Some(key) = value.key()? {
            match key.number {
                1 => text = Some(value.text(key, &mut None)?),
                2..=8 => {
                    text = None;
                    value.check(key, &mut None)?;
                }
                _ => value.check(key, &mut None)?,
            }
        }
    }
    Ok(text)
}
