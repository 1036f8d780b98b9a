//! `strconv`.

use std::fmt::Write as _;

/// A decimal integer of 64 bits.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_int(text: &str) -> Result<i64, String> {
    integer("ParseInt", text)
}

/// A decimal integer of 32 bits.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_int32(text: &str) -> Result<i64, String> {
    let value = integer("ParseInt", text)?;
    if i32::try_from(value).is_err() {
        return Err(failure("ParseInt", text, OUT_OF_RANGE));
    }
    Ok(value)
}

/// A decimal integer, with the error of `Atoi`.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_search_depth(text: &str) -> Result<i64, String> {
    integer("Atoi", text)
}

/// Hexadecimal digits of 64 bits, without a sign or a prefix.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_hex_u64(text: &str) -> Result<u64, String> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(failure("ParseUint", text, INVALID));
    }
    u64::from_str_radix(text, 16).map_err(|_| failure("ParseUint", text, OUT_OF_RANGE))
}

/// One of Go's spellings of a truth value.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(failure("ParseBool", text, INVALID)),
    }
}

/// A float of 64 bits. Go's hexadecimal floats and underscores are not accepted.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_float(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| failure("ParseFloat", text, INVALID))
}

/// A text in double quotes with Go's escapes.
pub(in crate::query) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            control if control < ' ' || control == '\u{7f}' => {
                let written = write!(quoted, "\\x{:02x}", u32::from(control));
                debug_assert!(written.is_ok(), "a text takes whatever is written to it");
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

const INVALID: &str = "invalid syntax";
const OUT_OF_RANGE: &str = "value out of range";

fn integer(function: &str, text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(failure(function, text, INVALID));
    }
    text.parse().map_err(|_| failure(function, text, OUT_OF_RANGE))
}

fn failure(function: &str, text: &str, reason: &str) -> String {
    format!("strconv.{function}: parsing {}: {reason}", quote(text))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", 0)]
    #[case("-7", -7)]
    #[case("+7", 7)]
    #[case("9223372036854775807", i64::MAX)]
    #[case("-9223372036854775808", i64::MIN)]
    fn integers_are_read_as_in_go(#[case] text: &str, #[case] value: i64) {
        assert_eq!(parse_int(text), Ok(value));
    }

    #[rstest]
    #[case(parse_int("x").unwrap_err(), r#"strconv.ParseInt: parsing "x": invalid syntax"#)]
    #[case(parse_int("").unwrap_err(), r#"strconv.ParseInt: parsing "": invalid syntax"#)]
    #[case(parse_int("+").unwrap_err(), r#"strconv.ParseInt: parsing "+": invalid syntax"#)]
    #[case(parse_int("1_0").unwrap_err(), r#"strconv.ParseInt: parsing "1_0": invalid syntax"#)]
    #[case(parse_int("9223372036854775808").unwrap_err(), r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#)]
    #[case(parse_int32("99999999999").unwrap_err(), r#"strconv.ParseInt: parsing "99999999999": value out of range"#)]
    #[case(parse_search_depth("x").unwrap_err(), r#"strconv.Atoi: parsing "x": invalid syntax"#)]
    #[case(parse_hex_u64("+1").unwrap_err(), r#"strconv.ParseUint: parsing "+1": invalid syntax"#)]
    #[case(parse_hex_u64("").unwrap_err(), r#"strconv.ParseUint: parsing "": invalid syntax"#)]
    #[case(parse_bool("maybe").unwrap_err(), r#"strconv.ParseBool: parsing "maybe": invalid syntax"#)]
    #[case(parse_float("").unwrap_err(), r#"strconv.ParseFloat: parsing "": invalid syntax"#)]
    fn errors_read_as_in_go(#[case] error: String, #[case] expected: &str) {
        assert_eq!(error, expected);
    }

    #[test]
    fn a_text_is_quoted_as_in_go() {
        assert_eq!(quote("a\"\\\n\u{1}\u{7f}ü"), r#""a\"\\\n\x01\x7fü""#);
    }
}
