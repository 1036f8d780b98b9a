//! `time.Parse` with the layout `time.RFC3339Nano`.

use jiff::Timestamp;

use super::number::quote;

const LAYOUT: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// An RFC 3339 time as nanoseconds since the Unix epoch, which may be negative.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_rfc3339(text: &str) -> Result<i128, String> {
    let mut rest = text;
    let year = take(text, &mut rest, "2006", 4)?;
    literal(text, &mut rest, "-")?;
    let month = take(text, &mut rest, "01", 2)?;
    literal(text, &mut rest, "-")?;
    let day = take(text, &mut rest, "02", 2)?;
    literal(text, &mut rest, "T")?;
    let hour = hour(text, &mut rest)?;
    literal(text, &mut rest, ":")?;
    let minute = take(text, &mut rest, "04", 2)?;
    literal(text, &mut rest, ":")?;
    let second = take(text, &mut rest, "05", 2)?;
    let fraction = fraction(&mut rest);
    let offset = offset(text, &mut rest)?;
    if !rest.is_empty() {
        return Err(format!(
            "parsing time {}: extra text: {}",
            quote(text),
            quote(rest)
        ));
    }
    let out_of_range = |what: &str| format!("parsing time {}: {what} out of range", quote(text));
    for (what, value, most) in [("hour", hour, 23), ("minute", minute, 59), ("second", second, 59)] {
        if value > most {
            return Err(out_of_range(what));
        }
    }
    if !(1..=12).contains(&month) {
        return Err(out_of_range("month"));
    }
    let plain = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    let time: Timestamp = plain.parse().map_err(|_| out_of_range("day"))?;
    Ok(time.as_nanosecond() + i128::from(fraction) - i128::from(offset) * 1_000_000_000)
}

/// A number of exactly so many digits.
fn take(text: &str, rest: &mut &str, element: &str, digits: usize) -> Result<u32, String> {
    match rest.split_at_checked(digits) {
        Some((number, after)) if number.bytes().all(|digit| digit.is_ascii_digit()) => {
            *rest = after;
            number.parse().map_err(|_| mismatch(text, rest, element))
        }
        _ => Err(mismatch(text, rest, element)),
    }
}

/// One digit or two: the only place where Go is lenient.
fn hour(text: &str, rest: &mut &str) -> Result<u32, String> {
    let is_digit = |place: usize| rest.as_bytes().get(place).is_some_and(u8::is_ascii_digit);
    let digits = if is_digit(0) && !is_digit(1) { 1 } else { 2 };
    take(text, rest, "15", digits)
}

fn literal(text: &str, rest: &mut &str, expected: &str) -> Result<(), String> {
    *rest = rest
        .strip_prefix(expected)
        .ok_or_else(|| mismatch(text, rest, expected))?;
    Ok(())
}

/// Nanoseconds behind a full stop or a comma; further digits are cut off.
fn fraction(rest: &mut &str) -> u32 {
    let Some(after) = rest.strip_prefix(['.', ',']) else {
        return 0;
    };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return 0;
    }
    let shown = &after[..digits.min(9)];
    *rest = &after[digits..];
    // Nine digits always fit.
    shown.parse::<u32>().unwrap_or_default() * 10_u32.pow(9 - shown.len() as u32)
}

/// Seconds east of Greenwich.
fn offset(text: &str, rest: &mut &str) -> Result<i32, String> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Ok(0);
    }
    let zone = *rest;
    let wrong = || mismatch(text, zone, "Z07:00");
    let (sign, mut after) = match zone.as_bytes().first() {
        Some(b'+') => (1, &zone[1..]),
        Some(b'-') => (-1, &zone[1..]),
        _ => return Err(wrong()),
    };
    let hours = take(text, &mut after, "", 2).map_err(|_| wrong())?;
    literal(text, &mut after, ":").map_err(|_| wrong())?;
    let minutes = take(text, &mut after, "", 2).map_err(|_| wrong())?;
    if hours > 24 || minutes > 60 {
        let what = if hours > 24 {
            "time zone offset hour"
        } else {
            "time zone offset minute"
        };
        return Err(format!("parsing time {}: {what} out of range", quote(text)));
    }
    *rest = after;
    Ok(sign * (hours as i32 * 3_600 + minutes as i32 * 60))
}

fn mismatch(text: &str, rest: &str, element: &str) -> String {
    format!(
        "parsing time {} as {}: cannot parse {} as {}",
        quote(text),
        quote(LAYOUT),
        quote(rest),
        quote(element)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1970-01-01T00:00:00Z", 0)]
    #[case("2025-11-24T16:00:00.000001999Z", 1_764_000_000_000_001_999)]
    #[case("2025-11-24T17:00:00.5+01:00", 1_764_000_000_500_000_000)]
    #[case("2025-11-24T16:00:00.1234567891Z", 1_764_000_000_123_456_789)]
    #[case("1969-12-31T23:59:59Z", -1_000_000_000)]
    #[case("1970-01-01T1:00:00Z", 3_600_000_000_000)]
    fn times_are_read_as_in_go(#[case] text: &str, #[case] nanoseconds: i128) {
        assert_eq!(parse_rfc3339(text), Ok(nanoseconds));
    }

    #[rstest]
    #[case(
        "x",
        r#"parsing time "x" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "x" as "2006""#
    )]
    #[case(
        "2025",
        r#"parsing time "2025" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "" as "-""#
    )]
    #[case("2025-11-24 16:00:00Z", r#"parsing time "2025-11-24 16:00:00Z" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse " 16:00:00Z" as "T""#)]
    #[case("2025-11-24T16:00:00", r#"parsing time "2025-11-24T16:00:00" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "" as "Z07:00""#)]
    #[case(
        "2025-11-24T16:00:00Zx",
        r#"parsing time "2025-11-24T16:00:00Zx": extra text: "x""#
    )]
    #[case(
        "2025-13-24T16:00:00Z",
        r#"parsing time "2025-13-24T16:00:00Z": month out of range"#
    )]
    #[case(
        "2025-02-30T16:00:00Z",
        r#"parsing time "2025-02-30T16:00:00Z": day out of range"#
    )]
    #[case(
        "2025-02-20T24:00:00Z",
        r#"parsing time "2025-02-20T24:00:00Z": hour out of range"#
    )]
    fn errors_read_as_in_go(#[case] text: &str, #[case] error: &str) {
        assert_eq!(parse_rfc3339(text), Err(error.to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"[0-9]{0,5}[-T:.,Z+0-9üx ]{0,30}") {
            let _ = parse_rfc3339(&text);
        }

        #[test]
        fn any_time_is_read_to_the_nanosecond(nanoseconds in 0..i64::MAX) {
            let text = Timestamp::from_nanosecond(nanoseconds.into()).unwrap().to_string();
            prop_assert_eq!(parse_rfc3339(&text), Ok(nanoseconds.into()));
        }
    }
}
