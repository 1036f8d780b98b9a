//! JSON spelled the way Go spells it, because clients and recorded answers compare texts.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// How a document is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// The legacy API: no white space; `<`, `>`, `&` and the two line separators as `\u` escapes.
    Legacy,
    /// The same, indented by four spaces, as `prettyPrint` has it.
    LegacyPretty,
    /// v3: no white space, and escapes only where JSON demands them.
    V3,
}

/// Writes a value as Jaeger does. In each spelling, floats have no needless fraction.
///
/// # Errors
/// The value has a map key that is no text, or its own serialisation fails.
pub fn to_vec<T: Serialize + ?Sized>(value: &T, spelling: Spelling) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    let escaped = spelling != Spelling::V3;
    if spelling == Spelling::LegacyPretty {
        let layout = PrettyFormatter::with_indent(b"    ");
        value.serialize(&mut Serializer::with_formatter(
            &mut bytes,
            Go { layout, escaped },
        ))?;
    } else {
        let layout = CompactFormatter;
        value.serialize(&mut Serializer::with_formatter(
            &mut bytes,
            Go { layout, escaped },
        ))?;
    }
    Ok(bytes)
}

/// A float as Go's JSON writes it, which is also how Jaeger compares a float tag with a text: the shortest digits that
/// read back as the same value, with an exponent below 1e-6 and from 1e21 on. Not-a-number and the infinities, which
/// JSON can't write, have the names that protobuf's JSON mapping gives them.
#[must_use]
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        // Rust leaves out the plus sign.
        return if text.contains("e-") {
            text
        } else {
            text.replace('e', "e+")
        };
    }
    value.to_string()
}

/// Wraps a layout and changes how scalars are written.
struct Go<F> {
    layout: F,
    escaped: bool,
}

/// Passes layout decisions on unchanged.
macro_rules! as_inner {
    ($($name:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.layout.$name(writer $(, $argument)*)
        })*
    };
}

impl<F: Formatter> Formatter for Go<F> {
    as_inner!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        end_object_key(),
        begin_object_value(),
        end_object_value(),
    );

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(float_text(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // 0xE2 is the first byte of both line separators. Most texts have none of these bytes.
        let may_need_escapes = |byte| matches!(byte, b'<' | b'>' | b'&' | 0xE2);
        if !self.escaped || !fragment.bytes().any(may_need_escapes) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut written = 0;
        for (at, character) in fragment.char_indices() {
            let escape: &[u8] = match character {
                '<' => br"\u003c",
                '>' => br"\u003e",
                '&' => br"\u0026",
                '\u{2028}' => br"\u2028",
                '\u{2029}' => br"\u2029",
                _ => continue,
            };
            writer.write_all(&fragment.as_bytes()[written..at])?;
            writer.write_all(escape)?;
            written = at + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::{Spelling, float_text, to_vec};

    fn spelled(value: &serde_json::Value, spelling: Spelling) -> String {
        String::from_utf8(to_vec(value, spelling).unwrap()).unwrap()
    }

    #[rstest]
    #[case(72.0, "72")]
    #[case(72.5, "72.5")]
    #[case(-0.0, "-0")]
    #[case(0.000_001, "0.000001")]
    #[case(1e-7, "1e-7")]
    #[case(1.25e-10, "1.25e-10")]
    #[case(1e20, "100000000000000000000")]
    #[case(1e21, "1e+21")]
    #[case(-1.5e300, "-1.5e+300")]
    #[case(f64::NAN, "NaN")]
    #[case(f64::NEG_INFINITY, "-Infinity")]
    fn floats_are_written_as_go_writes_them(#[case] value: f64, #[case] expected: &str) {
        assert_eq!(float_text(value), expected);
    }

    #[test]
    fn markup_and_line_separators_are_escaped_in_the_legacy_api_only() {
        let text = json!("a<b>&\u{2028}\u{2029}\"ü\n");
        assert_eq!(
            spelled(&text, Spelling::Legacy),
            r#""a\u003cb\u003e\u0026\u2028\u2029\"ü\n""#
        );
        assert_eq!(spelled(&text, Spelling::V3), "\"a<b>&\u{2028}\u{2029}\\\"ü\\n\"");
    }

    #[test]
    fn pretty_means_four_spaces() {
        let text = spelled(&json!({"data": [1], "none": []}), Spelling::LegacyPretty);
        assert_eq!(text, "{\n    \"data\": [\n        1\n    ],\n    \"none\": []\n}");
    }

    proptest! {
        #[test]
        fn any_text_reads_back_as_itself(text in any::<String>()) {
            for spelling in [Spelling::Legacy, Spelling::LegacyPretty, Spelling::V3] {
                prop_assert_eq!(&serde_json::from_str::<String>(&spelled(&json!(text), spelling)).unwrap(), &text);
            }
        }

        #[test]
        fn any_finite_float_reads_back_as_itself(
            value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
        ) {
            prop_assert_eq!(float_text(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
