//! The name of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names a run and its directory: at least four lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is no run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no run id: expected 4 to 16 lower-case hexadecimal digits")]
pub struct InvalidRunId(pub String);

impl RunId {
    /// The shortest id; longer ones are taken when the short ones are used up.
    pub const SHORTEST: usize = 4;
    const LONGEST: usize = 16;

    /// The first `digits` hexadecimal digits of a random number.
    pub(crate) fn of_bits(bits: u64, digits: usize) -> Self {
        let mut text = format!("{bits:016x}");
        text.truncate(digits.clamp(Self::SHORTEST, Self::LONGEST));
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex && (Self::SHORTEST..=Self::LONGEST).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRunId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("7f3a", true)]
    #[case("0123456789abcdef", true)]
    #[case("7f3", false)]
    #[case("0123456789abcdef0", false)]
    #[case("7F3A", false)]
    #[case("../x", false)]
    #[case("latest", false)]
    fn only_lower_case_hexadecimal_digits_make_an_id(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<RunId>().is_ok(), valid);
        assert_eq!(serde_json::from_value::<RunId>(text.into()).is_ok(), valid);
    }

    #[test]
    fn ids_get_longer_when_they_must() {
        assert_eq!(RunId::of_bits(0x7f3a_0000_0000_0001, 4).as_str(), "7f3a");
        assert_eq!(RunId::of_bits(1, 0).as_str(), "0000");
        assert_eq!(RunId::of_bits(1, 99).as_str(), "0000000000000001");
    }
}
