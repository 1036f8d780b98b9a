//! Trace ids as Jaeger accepts them.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, PAD};

use super::go;

/// Up to 32 hexadecimal digits of either case, without leading zeros if one likes.
///
/// # Errors
/// Jaeger's message.
pub(super) fn parse_hex(text: &str) -> Result<[u8; 16], String> {
    if text.len() > 32 {
        return Err(format!("TraceID cannot be longer than 32 hex characters: {text}"));
    }
    // Jaeger reads the two halves on their own, and its message names the half that is wrong.
    let (high, low) = match text.len().checked_sub(16) {
        Some(1..) => text.split_at_checked(text.len() - 16).unwrap_or(("", text)),
        _ => ("", text),
    };
    let high = if high.is_empty() {
        0
    } else {
        go::parse_hex_u64(high)?
    };
    let low = go::parse_hex_u64(low)?;
    Ok((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

/// In a path also base64 of up to 24 characters, of either alphabet, padded or not.
///
/// # Errors
/// Jaeger's message about the hexadecimal form, unless the text is base64 of too many bytes.
pub(super) fn parse_path(text: &str) -> Result<[u8; 16], String> {
    let error = match parse_hex(text) {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    if text.len() > 24 {
        return Err(error);
    }
    let engines = [
        (&STANDARD, PAD),
        (&URL_SAFE, PAD),
        (&STANDARD, NO_PAD),
        (&URL_SAFE, NO_PAD),
    ];
    let decoded = engines.into_iter().find_map(|(alphabet, padding)| {
        GeneralPurpose::new(alphabet, padding.with_decode_allow_trailing_bits(true))
            .decode(text)
            .ok()
    });
    match decoded {
        Some(bytes) if bytes.len() > 16 => Err("TraceID cannot be longer than 16 bytes".to_owned()),
        Some(bytes) => {
            let mut id = [0; 16];
            id[16 - bytes.len()..].copy_from_slice(&bytes);
            Ok(id)
        }
        None => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1", 1)]
    #[case("0", 0)]
    #[case("a3CE929D0E0E4737", 0xa3ce_929d_0e0e_4737)]
    #[case("1a3ce929d0e0e4737", 0x1_a3ce_929d_0e0e_4737)]
    #[case("4bf92f3577b34da6a3ce929d0e0e4736", 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736)]
    fn hexadecimal_is_read_in_any_length(#[case] text: &str, #[case] id: u128) {
        assert_eq!(parse_hex(text), Ok(id.to_be_bytes()));
        assert_eq!(parse_path(text), Ok(id.to_be_bytes()));
    }

    #[rstest]
    #[case("zz", r#"strconv.ParseUint: parsing "zz": invalid syntax"#)]
    #[case("", r#"strconv.ParseUint: parsing "": invalid syntax"#)]
    #[case(
        "00112233445566778g9aabbccddeeff0",
        r#"strconv.ParseUint: parsing "8g9aabbccddeeff0": invalid syntax"#
    )]
    #[case(
        "00112233445566778899aabbccddeeff00",
        "TraceID cannot be longer than 32 hex characters: 00112233445566778899aabbccddeeff00"
    )]
    fn what_is_no_id_is_refused_in_jaegers_words(#[case] text: &str, #[case] error: &str) {
        assert_eq!(parse_hex(text), Err(error.to_owned()));
    }

    #[rstest]
    #[case::standard("S/kvNXezTaajzpKdDg5HNg==")]
    #[case::url("S_kvNXezTaajzpKdDg5HNg==")]
    #[case::unpadded("S/kvNXezTaajzpKdDg5HNg")]
    #[case::url_unpadded("S_kvNXezTaajzpKdDg5HNg")]
    fn a_path_may_hold_base64(#[case] text: &str) {
        assert_eq!(parse_path(text), parse_hex("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(parse_hex(text).is_err(), "nowhere else");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}|[0-9a-f]{15,18}ü{0,4}[0-9a-f]{0,10}") {
            let _ = (parse_hex(&text), parse_path(&text));
        }
    }
}
