//! The exit codes of `throughline`, in one place; the README's table is checked against this file.

/// How a run ended, as the process's exit code. Of several that apply, [`ExitCode::and`] says which one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[repr(u8)]
pub enum ExitCode {
    /// passed
    Passed = 0,
    /// unexpected
    Unexpected = 1,
    /// usage
    Usage = 2,
    /// expectation failed
    ExpectationFailed = 10,
    /// inconclusive
    Inconclusive = 11,
    /// environment did not come up, or was lost
    EnvironmentDown = 12,
    /// prerequisite missing
    PrerequisiteMissing = 13,
    /// undo incomplete
    UndoIncomplete = 14,
    /// interrupted
    Interrupted = 130,
}

impl ExitCode {
    /// Every code with its meaning, in the order of the README's table.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Passed, "passed"),
        (Self::Unexpected, "unexpected"),
        (Self::Usage, "usage"),
        (Self::ExpectationFailed, "expectation failed"),
        (Self::Inconclusive, "inconclusive"),
        (Self::EnvironmentDown, "environment did not come up, or was lost"),
        (Self::PrerequisiteMissing, "prerequisite missing"),
        (Self::UndoIncomplete, "undo incomplete"),
        (Self::Interrupted, "interrupted"),
    ];

    /// The number that the process returns.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The meaning of a number; empty for one that is not ours.
    #[must_use]
    pub fn meaning(number: u8) -> &'static str {
        Self::ALL
            .iter()
            .find(|(code, _)| code.code() == number)
            .map_or("", |(_, meaning)| meaning)
    }

    /// Rank among several outcomes of one run: a verdict outranks an incomplete undo, an interrupt outranks a verdict
    /// that could no longer be completed.
    const fn precedence(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::UndoIncomplete => 1,
            Self::Inconclusive => 2,
            Self::Unexpected => 3,
            Self::ExpectationFailed => 4,
            Self::EnvironmentDown => 5,
            Self::PrerequisiteMissing => 6,
            Self::Usage => 7,
            Self::Interrupted => 8,
        }
    }

    /// Whether an environment is up after a run that ended so: there is something to keep.
    #[must_use]
    pub const fn left_an_environment(self) -> bool {
        matches!(
            self,
            Self::Passed | Self::Unexpected | Self::ExpectationFailed | Self::Inconclusive
        )
    }

    /// The outcome to report when both happened.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        if other.precedence() > self.precedence() {
            other
        } else {
            self
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn a_verdict_outranks_an_incomplete_undo() {
        assert_eq!(
            ExitCode::UndoIncomplete.and(ExitCode::ExpectationFailed),
            ExitCode::ExpectationFailed
        );
        assert_eq!(
            ExitCode::ExpectationFailed.and(ExitCode::UndoIncomplete),
            ExitCode::ExpectationFailed
        );
        assert_eq!(
            ExitCode::Passed.and(ExitCode::UndoIncomplete),
            ExitCode::UndoIncomplete
        );
    }

    #[test]
    fn no_two_outcomes_share_a_code() {
        let codes: std::collections::BTreeSet<u8> =
            ExitCode::ALL.iter().map(|(code, _)| code.code()).collect();
        assert_eq!(codes.len(), ExitCode::ALL.len());
    }
}
