//! Reading what others write slightly differently: `null` for empty, integers as texts or floats.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// `null` is the default value.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An integer, written as number, float or text; `null` and an empty text are 0.
pub(crate) fn integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let value = deserializer.deserialize_any(Integer)?;
    T::try_from(value).map_err(|_| D::Error::custom(format_args!("number {value} is out of range")))
}

/// A float, written as number or text (`NaN`, `Infinity`, `-Infinity` included); `null` is 0.
pub(crate) fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(Float)
}

/// A truth value, written as such or as text; `null` is false.
pub(crate) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    deserializer.deserialize_any(Truth)
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, as number or text")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i128, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i128, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<i128, E> {
        // Beyond 2^64 nothing on this wire is meant; the cast saturates and the caller's range check refuses it.
        if value.is_finite() {
            Ok(value.trunc() as i128)
        } else {
            Err(E::custom("not a finite number"))
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i128, E> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(0);
        }
        if let Ok(value) = text.parse() {
            return Ok(value);
        }
        match text.parse::<f64>() {
            Ok(value) => self.visit_f64(value),
            Err(_) => Err(E::custom(format_args!("{text:?} is not a number"))),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<i128, E> {
        Ok(0)
    }
}

struct Float;

impl Visitor<'_> for Float {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, as such or as text")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        text.trim()
            .parse()
            .map_err(|_| E::custom(format_args!("{text:?} is not a number")))
    }

    fn visit_unit<E: Error>(self) -> Result<f64, E> {
        Ok(0.0)
    }
}

struct Truth;

impl Visitor<'_> for Truth {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false, as such or as text")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        match text.trim() {
            "true" | "True" | "TRUE" | "1" => Ok(true),
            "false" | "False" | "FALSE" | "0" | "" => Ok(false),
            _ => Err(E::custom(format_args!("{text:?} is neither true nor false"))),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::number(json!(7), 7)]
    #[case::text(json!("7"), 7)]
    #[case::float(json!(7.0), 7)]
    #[case::exponent(json!(1.764e18), 1_764_000_000_000_000_000)]
    #[case::null(json!(null), 0)]
    #[case::empty(json!(""), 0)]
    #[case::largest(json!("18446744073709551615"), u64::MAX)]
    fn integers_are_read_in_every_spelling(#[case] value: serde_json::Value, #[case] expected: u64) {
        assert_eq!(super::integer::<_, u64>(value).unwrap(), expected);
    }

    #[rstest]
    #[case::negative(json!(-1))]
    #[case::too_large(json!("18446744073709551616"))]
    #[case::huge(json!(1e300))]
    #[case::word(json!("soon"))]
    #[case::nan(json!("NaN"))]
    #[case::list(json!([]))]
    #[case::truth(json!(true))]
    fn what_is_no_such_integer_is_refused(#[case] value: serde_json::Value) {
        assert!(super::integer::<_, u64>(value).is_err());
    }

    #[test]
    fn floats_that_json_cannot_write_are_read_from_text() {
        assert!(super::float(json!("NaN")).unwrap().is_nan());
        assert_eq!(super::float(json!("-Infinity")).unwrap(), f64::NEG_INFINITY);
        assert!(super::float(json!("much")).is_err());
    }
}
