//! GitHub's workflow commands: lines of the log that the runner takes for orders.
//!
//! Written after [GitHub's description](https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands)
//! and the escaping of its own toolkit.

use std::borrow::Cow;

/// How loud an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warning,
}

/// A line beside the job, visible without opening the log.
pub(super) fn annotation(level: Level, title: &str, message: &str) -> String {
    let word = match level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    format!("::{word} title={}::{}", property(title), data(message))
}

/// Begins a part of the log that is folded.
pub(super) fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

/// Ends the part of the log that is folded.
pub(super) const END_GROUP: &str = "::endgroup::";

/// A row of the log that is only a row: the runner looks for `::` at its beginning, whatever blanks are before it, and for
/// the older `##[` everywhere.
pub(in crate::report) fn harmless(row: &str) -> Cow<'_, str> {
    let orders = row.trim_start().starts_with("::");
    match (orders, row.contains("##[")) {
        (false, false) => Cow::Borrowed(row),
        (true, false) => Cow::Owned(format!("| {row}")),
        (false, true) => Cow::Owned(row.replace("##[", "## [")),
        (true, true) => Cow::Owned(format!("| {}", row.replace("##[", "## ["))),
    }
}

/// The last part of a command, which may have several lines.
fn data(text: &str) -> String {
    printable(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value between the command's name and its last part.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Control characters but line ends have no business in an annotation.
fn printable(text: &str) -> String {
    let keep = |character: &char| !character.is_control() || matches!(character, '\n' | '\r' | '\t');
    text.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_is_written_differently() {
        assert_eq!(
            annotation(
                Level::Error,
                "50%: one, two",
                "first\r\nsecond: 100 %\u{1b}[31m, \u{0}]]>"
            ),
            "::error title=50%25%3A one%2C two::first%0D%0Asecond: 100 %25[31m, ]]>"
        );
        assert_eq!(group("a\nb"), "::group::a%0Ab");
    }

    #[test]
    fn no_row_of_the_log_gives_orders() {
        for (row, written) in [
            ("  ok    fine", "  ok    fine"),
            ("::stop-commands::x", "| ::stop-commands::x"),
            ("   ::add-mask::e", "|    ::add-mask::e"),
            ("text ##[error]x", "text ## [error]x"),
            ("::debug::##[group]", "| ::debug::## [group]"),
            ("a::b", "a::b"),
        ] {
            assert_eq!(harmless(row), written);
            assert!(!harmless(row).trim_start().starts_with("::"));
        }
    }
}
