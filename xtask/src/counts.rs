//! Adding up what `cargo test` reports.

use std::fmt;
use std::ops::AddAssign;

/// Results over all test binaries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// Results, failed ones included.
    pub(crate) fn total(self) -> u64 {
        self.passed + self.failed + self.skipped
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The closing line, in the form that pipelines look for.
impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Reads the output of `cargo test` line by line.
///
/// What a failed test printed is repeated in the output and may look like anything. So nothing that follows
/// `failures:` is taken for an announcement, and a result counts only when it accounts for every announced test.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    state: State,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// Between test binaries.
    #[default]
    Outside,
    /// This many tests were announced and are running.
    Running(u64),
    /// The same, and the output of its tests is being repeated.
    Repeating(u64),
}

impl Tally {
    /// Takes one line of output.
    pub(crate) fn line(&mut self, line: &str) {
        match self.state {
            State::Outside => self.start(line),
            State::Running(announced) => {
                if announcement(line).is_some() {
                    // The binary before died without a result.
                    self.counts.failed += 1;
                    self.start(line);
                } else if matches!(line.trim_end(), "failures:" | "successes:") {
                    self.state = State::Repeating(announced);
                } else {
                    self.finish(announced, line);
                }
            }
            State::Repeating(announced) => self.finish(announced, line),
        }
    }

    /// The sum, once the output has ended. A run that failed without a failed test is a failure all the same: the
    /// build broke, or a test binary died.
    pub(crate) fn total(mut self, success: bool) -> Counts {
        if matches!(self.state, State::Running(_) | State::Repeating(_))
            || (!success && self.counts.failed == 0)
        {
            self.counts.failed += 1;
        }
        self.counts
    }

    fn start(&mut self, line: &str) {
        if let Some(announced) = announcement(line) {
            self.state = State::Running(announced);
        }
    }

    fn finish(&mut self, announced: u64, line: &str) {
        if let Some(counts) = result(line).filter(|counts| counts.total() == announced) {
            self.counts += counts;
            self.state = State::Outside;
        }
    }
}

/// `running 12 tests`
fn announcement(line: &str) -> Option<u64> {
    let (number, noun) = line.trim_end().strip_prefix("running ")?.split_once(' ')?;
    matches!(noun, "test" | "tests").then(|| number.parse().ok())?
}

/// `test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.05s`
fn result(line: &str) -> Option<Counts> {
    let (_, fields) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = Counts::default();
    for field in fields.split(';') {
        let (number, noun) = field.trim().split_once(' ')?;
        match noun {
            "passed" | "measured" => counts.passed += number.parse::<u64>().ok()?,
            "failed" => counts.failed += number.parse::<u64>().ok()?,
            "ignored" => counts.skipped += number.parse::<u64>().ok()?,
            _ => {}
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(output: &str, success: bool) -> Counts {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.line(line));
        tally.total(success)
    }

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn results_of_all_binaries_are_summed() {
        let output = "
running 2 tests
test a ... ok
test b ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.05s

running 3 tests
test c ... ignored
test d ... FAILED
test e ... ok

failures:

---- d stdout ----

failures:
    d

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.05s
";
        assert_eq!(total(output, false), counts(3, 1, 1));
    }

    #[test]
    fn what_a_failed_test_printed_is_not_counted() {
        let output = "
running 1 test
test d ... FAILED

failures:

---- d stdout ----
running 40 tests
test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.05s

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.05s
";
        assert_eq!(total(output, false), counts(0, 1, 0));
    }

    #[test]
    fn a_binary_that_died_is_a_failure_and_the_next_one_still_counts() {
        let output = "
running 3 tests
test a ... ok

running 1 test
test b ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.05s

running 2 tests
";
        assert_eq!(total(output, false), counts(1, 2, 0));
    }

    #[test]
    fn a_broken_build_is_a_failure() {
        assert_eq!(total("", false), counts(0, 1, 0));
    }

    #[test]
    fn nothing_run_is_nothing_counted() {
        assert_eq!(
            total("running 0 tests\n", true),
            counts(0, 1, 0),
            "an announcement without a result"
        );
        assert_eq!(total("", true), counts(0, 0, 0));
    }

    #[test]
    fn the_closing_line_has_the_form_that_pipelines_look_for() {
        assert_eq!(counts(12, 0, 3).to_string(), "12 passed, 0 failed, 3 skipped");
    }
}
