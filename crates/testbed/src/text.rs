//! Durations and commands as people read them.

use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

/// A duration with the unit that fits: `850 µs`, `41 ms`, `1.4 s`, `2 min 5 s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took(pub Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.0;
        let text = if took < Duration::from_millis(1) {
            format!("{} µs", took.as_micros())
        } else if took < Duration::from_secs(1) {
            format!("{} ms", took.as_millis())
        } else if took < Duration::from_secs(60) {
            let tenths = took.as_millis() / 100;
            if tenths.is_multiple_of(10) {
                format!("{} s", tenths / 10)
            } else {
                format!("{}.{} s", tenths / 10, tenths % 10)
            }
        } else {
            format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60)
        };
        f.pad(&text)
    }
}

/// A command line that can be pasted into a POSIX shell.
pub fn shell<I>(program: &OsStr, args: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut line = quote(program);
    for arg in args {
        line.push(' ');
        line.push_str(&quote(arg.as_ref()));
    }
    line
}

/// One word of a POSIX shell command, quoted where it must be. Bytes that are no UTF-8 are replaced.
pub fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Duration::from_nanos(850_400), "850 µs")]
    #[case(Duration::from_micros(41_900), "41 ms")]
    #[case(Duration::from_millis(1_449), "1.4 s")]
    #[case(Duration::from_secs(3), "3 s")]
    #[case(Duration::from_secs(125), "2 min 5 s")]
    fn durations_are_short(#[case] took: Duration, #[case] text: &str) {
        assert_eq!(Took(took).to_string(), text);
        assert_eq!(format!("{:>10}", Took(took)).chars().count(), 10);
    }

    #[rstest]
    #[case("plain-1.0_x/@y:=", "plain-1.0_x/@y:=")]
    #[case("two words", "'two words'")]
    #[case("", "''")]
    #[case("it's", r"'it'\''s'")]
    #[case("$HOME;`x`", "'$HOME;`x`'")]
    fn words_are_quoted_where_they_must_be(#[case] word: &str, #[case] quoted: &str) {
        assert_eq!(quote(OsStr::new(word)), quoted);
    }

    #[test]
    fn a_command_line_holds_every_word() {
        assert_eq!(
            shell("kind".as_ref(), ["delete", "cluster", "--name", "a b"]),
            "kind delete cluster --name 'a b'"
        );
    }
}
