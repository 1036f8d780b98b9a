//! Protobuf as it lies on the wire: read in place, checked against the [`schema`](super::schema), nothing built.
//!
//! What is accepted here is exactly what `prost` would decode, except that invalid UTF-8 and ids of a wrong length
//! are told apart from damage ([`Flaw`]): they cost the span that has them and not the whole request.

use prost::encoding::{encode_key, encode_varint};

use super::malformed::Malformed;
use super::schema::{Kind, Message};

/// The most messages inside one another, as `prost` and the reference implementations count them.
pub(crate) const DEPTH: u32 = 100;

/// What is wrong with the content of a message whose structure is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A text is not UTF-8.
    Utf8,
    /// An id has neither its proper length nor none.
    IdLength,
}

/// How many bytes a field's value takes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// A field's number and wire type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) number: u32,
    wire: u8,
}

/// Reads one message, field by field.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    message: &'static Message,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Reads a message that is allowed `depth` levels below itself.
    pub(crate) const fn new(bytes: &'a [u8], message: &'static Message, depth: u32) -> Self {
        Self {
            rest: bytes,
            message,
            depth,
        }
    }

    /// What was not read yet.
    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field's key; `None` at the end of the message.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Option<Key>, Malformed> {
        if self.rest.is_empty() {
            Ok(None)
        } else {
            self.key_here().map(Some)
        }
    }

    #[inline]
    fn key_here(&mut self) -> Result<Key, Malformed> {
        let key = self.varint()?;
        let invalid = Malformed::Key {
            message: self.message.name,
            key,
        };
        let short = u32::try_from(key).map_err(|_| invalid.clone())?;
        let (number, wire) = (short >> 3, (short & 7) as u8);
        if number == 0 || wire > 5 {
            Err(invalid)
        } else {
            Ok(Key { number, wire })
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (place, byte) in self.rest.iter().copied().enumerate().take(10) {
            if place == 9 && byte > 1 {
                return Err(Malformed::Varint {
                    message: self.message.name,
                });
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return Ok(value);
            }
        }
        // Ten bytes always decide, so the message ended before that.
        Err(self.cut_short())
    }

    #[inline]
    fn take(&mut self, len: u64) -> Result<&'a [u8], Malformed> {
        let taken = usize::try_from(len)
            .ok()
            .and_then(|len| self.rest.split_at_checked(len));
        let (taken, rest) = taken.ok_or_else(|| self.cut_short())?;
        self.rest = rest;
        Ok(taken)
    }

    const fn cut_short(&self) -> Malformed {
        Malformed::CutShort {
            message: self.message.name,
        }
    }

    #[inline]
    fn expect(&self, key: Key, expected: WireType) -> Result<(), Malformed> {
        if key.wire == expected as u8 {
            Ok(())
        } else {
            Err(self.unexpected(key, expected))
        }
    }

    #[cold]
    const fn unexpected(&self, key: Key, expected: WireType) -> Malformed {
        let (message, field) = (self.message.name, key.number);
        Malformed::WireType {
            message,
            field,
            expected: expected as u8,
            found: key.wire,
        }
    }

    /// Reads a number of variable length; the key was just read.
    #[inline]
    pub(crate) fn number(&mut self, key: Key) -> Result<u64, Malformed> {
        self.expect(key, WireType::Varint)?;
        self.varint()
    }

    /// Reads a number of eight bytes; the key was just read.
    #[inline]
    pub(crate) fn fixed64(&mut self, key: Key) -> Result<u64, Malformed> {
        self.expect(key, WireType::Fixed64)?;
        let bytes = self.rest.split_first_chunk::<8>();
        let (bytes, rest) = bytes.ok_or_else(|| self.cut_short())?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// Reads bytes, a text or a message; the key was just read.
    #[inline]
    pub(crate) fn delimited(&mut self, key: Key) -> Result<&'a [u8], Malformed> {
        self.expect(key, WireType::Delimited)?;
        let len = self.varint()?;
        self.take(len)
    }

    /// Reads a text, leaving a flaw when it is not UTF-8.
    #[inline]
    pub(crate) fn text(&mut self, key: Key, flaw: &mut Option<Flaw>) -> Result<&'a str, Malformed> {
        let bytes = self.delimited(key)?;
        Ok(str::from_utf8(bytes).unwrap_or_else(|_| {
            *flaw = Some(Flaw::Utf8);
            ""
        }))
    }

    /// Enters a message inside this one; the key was just read.
    #[inline]
    pub(crate) fn message(&mut self, key: Key, message: &'static Message) -> Result<Reader<'a>, Malformed> {
        let bytes = self.delimited(key)?;
        let too_deep = Malformed::TooDeep {
            message: message.name,
        };
        let depth = self.depth.checked_sub(1).ok_or(too_deep)?;
        Ok(Reader {
            rest: bytes,
            message,
            depth,
        })
    }

    /// Checks a field of whatever number; the key was just read.
    #[inline]
    pub(crate) fn check(&mut self, key: Key, flaw: &mut Option<Flaw>) -> Result<(), Malformed> {
        let Some(field) = self.message.field(key.number) else {
            return self.skip(key, self.depth);
        };
        match field.kind {
            Kind::Message(message) => self.message(key, message)?.check_all(flaw),
            Kind::Text => {
                if !is_utf8(self.delimited(key)?) {
                    *flaw = Some(Flaw::Utf8);
                }
                Ok(())
            }
            Kind::Bytes => self.delimited(key).map(drop),
            Kind::Id(len) => {
                let found = self.delimited(key)?.len();
                if found != 0 && found != len {
                    *flaw = Some(Flaw::IdLength);
                }
                Ok(())
            }
            Kind::Bool | Kind::Int32 | Kind::Uint32 | Kind::Int64 => self.number(key).map(drop),
            Kind::Fixed64 | Kind::Double => self.fixed64(key).map(drop),
            Kind::Fixed32 => {
                self.expect(key, WireType::Fixed32)?;
                self.take(4).map(drop)
            }
        }
    }

    /// Checks everything that was not read yet.
    pub(crate) fn check_all(mut self, flaw: &mut Option<Flaw>) -> Result<(), Malformed> {
        while let Some(key) = self.key()? {
            self.check(key, flaw)?;
        }
        Ok(())
    }

    /// Passes over a field of a message that was checked before; the key was just read.
    #[inline]
    pub(crate) fn pass(&mut self, key: Key) -> Result<(), Malformed> {
        match key.wire {
            0 => self.varint().map(drop),
            1 => self.take(8).map(drop),
            2 => self.delimited(key).map(drop),
            5 => self.take(4).map(drop),
            _ => self.skip(key, self.depth),
        }
    }

    /// Passes over a field that OTLP does not have, so that newer senders are understood.
    #[cold]
    fn skip(&mut self, key: Key, depth: u32) -> Result<(), Malformed> {
        let below = depth.checked_sub(1).ok_or(Malformed::TooDeep {
            message: self.message.name,
        })?;
        match key.wire {
            0 => self.varint().map(drop),
            1 => self.take(8).map(drop),
            2 => {
                let len = self.varint()?;
                self.take(len).map(drop)
            }
            3 => loop {
                let inner = self.key_here()?;
                match inner.wire {
                    4 if inner.number == key.number => break Ok(()),
                    4 => {
                        break Err(Malformed::Group {
                            message: self.message.name,
                        });
                    }
                    _ => self.skip(inner, below)?,
                }
            },
            4 => Err(Malformed::Group {
                message: self.message.name,
            }),
            _ => self.take(4).map(drop),
        }
    }
}

/// Most texts are short and ASCII, for which the general check takes longer to begin than this takes in all.
#[inline]
fn is_utf8(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word));
    let rest = rest.iter().fold(0, |all, byte| all | byte);
    (words & 0x8080_8080_8080_8080 == 0 && rest < 0x80) || str::from_utf8(bytes).is_ok()
}

/// Appends a field of bytes, of a text or of a message.
pub(crate) fn put(number: u32, content: &[u8], message: &mut Vec<u8>) {
    encode_key(number, prost::encoding::WireType::LengthDelimited, message);
    encode_varint(content.len() as u64, message);
    message.extend_from_slice(content);
}
