//! `time.Duration`.

use super::number::quote;

/// A duration in nanoseconds, such as `1h15m30.918s`; `0` needs no unit.
///
/// # Errors
/// The text of Go's error.
pub(in crate::query) fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let mut total: u128 = 0;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let Some(scale) = unit_nanoseconds(unit) else {
            return Err(format!(
                "time: unknown unit {} in duration {}",
                quote(unit),
                quote(text)
            ));
        };
        let part = nanoseconds(whole, fraction, scale).ok_or_else(invalid)?;
        total = total
            .checked_add(part)
            .filter(|total| *total <= LARGEST)
            .ok_or_else(invalid)?;
        rest = after;
    }
    let total = i128::try_from(total).map_err(|_| invalid())?;
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

/// A duration in nanoseconds as Go prints it: `1.5s`, `-427.5ms`, `1h0m0.5s`, `0s`.
pub(in crate::query) fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let text = match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => decimal(size, 1_000) + "µs",
        1_000_000..1_000_000_000 => decimal(size, 1_000_000) + "ms",
        _ => {
            let (minutes, below) = (size / 60_000_000_000, size % 60_000_000_000);
            let seconds = decimal(below, 1_000_000_000) + "s";
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// The size of the most negative duration.
const LARGEST: u128 = 1 << 63;

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn unit_nanoseconds(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `None` when it is more than a duration can hold.
fn nanoseconds(whole: &str, fraction: &str, scale: u128) -> Option<u128> {
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(scale)?;
    // Digits below a nanosecond are cut off; 15 digits cover an hour's.
    let shown = &fraction[..fraction.len().min(15)];
    if !shown.is_empty() {
        total = total.checked_add(shown.parse::<u128>().ok()? * scale / 10_u128.pow(shown.len() as u32))?;
    }
    Some(total)
}

/// A number of units with as many decimals as it has.
fn decimal(value: u64, unit: u64) -> String {
    let (whole, below) = (value / unit, value % unit);
    if below == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{below:0width$}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", 0)]
    #[case("-0", 0)]
    #[case("20ns", 20)]
    #[case("1.5h3m", 5_580_000_000_000)]
    #[case("-5ms", -5_000_000)]
    #[case("+2us", 2_000)]
    #[case("3µs", 3_000)]
    #[case(".5s", 500_000_000)]
    #[case("1.s", 1_000_000_000)]
    #[case("0.9999999999s", 999_999_999)]
    #[case("9223372036854775807ns", i64::MAX)]
    #[case("-9223372036854775808ns", i64::MIN)]
    fn durations_are_read_as_in_go(#[case] text: &str, #[case] nanoseconds: i64) {
        assert_eq!(parse_duration(text), Ok(nanoseconds));
    }

    #[rstest]
    #[case("20", r#"time: missing unit in duration "20""#)]
    #[case("20x", r#"time: unknown unit "x" in duration "20x""#)]
    #[case("x", r#"time: invalid duration "x""#)]
    #[case("", r#"time: invalid duration """#)]
    #[case("-", r#"time: invalid duration "-""#)]
    #[case(".s", r#"time: invalid duration ".s""#)]
    #[case("1s 2s", r#"time: unknown unit "s " in duration "1s 2s""#)]
    #[case("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#)]
    #[case(
        "99999999999999999999999999999999999999999h",
        r#"time: invalid duration "99999999999999999999999999999999999999999h""#
    )]
    fn errors_read_as_in_go(#[case] text: &str, #[case] error: &str) {
        assert_eq!(parse_duration(text), Err(error.to_owned()));
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(1, "1ns")]
    #[case(1_500, "1.5µs")]
    #[case(535_000_000, "535ms")]
    #[case(-427_500_000, "-427.5ms")]
    #[case(1_000_000_001, "1.000000001s")]
    #[case(90_000_000_000, "1m30s")]
    #[case(3_600_500_000_000, "1h0m0.5s")]
    #[case(i64::MIN, "-2562047h47m16.854775808s")]
    fn durations_are_printed_as_in_go(#[case] nanoseconds: i64, #[case] text: &str) {
        assert_eq!(duration_text(nanoseconds), text);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(nanoseconds in any::<i64>()) {
            prop_assert_eq!(parse_duration(&duration_text(nanoseconds)), Ok(nanoseconds));
        }

        #[test]
        fn no_text_makes_it_panic(text in r"[-+]?[0-9.a-zµμ ]{0,30}|.{0,10}") {
            let _ = parse_duration(&text);
        }
    }
}
