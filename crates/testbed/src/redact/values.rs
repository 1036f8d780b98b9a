//! Secrets known by the name that stands before them.

use std::borrow::Cow;
use std::ops::Range;

use super::REDACTED;
use super::extent::{of_header, of_value};
use super::names::{announces_a_secret, is_header, is_name, is_proxy, is_value, names_a_secret};

/// Files, not what is in them: arguments of the API server are worth reading.
const FILES: [&str; 3] = [".key", ".pem", ".crt"];

/// What the next line has to be taken for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Expects {
    /// Nothing in particular.
    #[default]
    Nothing,
    /// `value: …` below `name: DB_PASSWORD`.
    Value,
    /// The word that follows `--password` in a list with one word a line.
    Word,
    /// A text below `password: |`, which is indented more than this.
    Block {
        /// How far the name was indented.
        indent: usize,
    },
}

/// How far a line is indented.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Replaces what follows a secret's name: `name: value`, `name=value`, `"name":"value"`, `--name value`,
/// `{name: secret, value: …}`. The second value says what of it is in the next line.
pub(super) fn hidden(line: &str, expects: Expects) -> (Cow<'_, str>, Expects) {
    let mut out = Out {
        line,
        text: String::new(),
        copied: 0,
    };
    let mut next = Expects::Nothing;
    let mut at = 0;
    if expects == Expects::Word {
        at = out.hide(first_word(line));
    }
    let mut pair = expects == Expects::Value;
    while let Some(found) = line[at..].find([':', '=', ' ', ',']) {
        let mark = at + found;
        at = mark + 1;
        let Some(name) = name_before(&line[..mark]) else {
            continue;
        };
        if matches!(line.as_bytes()[mark], b' ' | b',') {
            if announces_a_secret(name) {
                at = at.max(out.hide(next_word(line, mark)));
            }
            continue;
        }
        if is_name(name) {
            pair = names_a_secret(&line[of_value(line, at)]);
            next = if pair { Expects::Value } else { Expects::Nothing };
            continue;
        }
        let in_pair = pair && is_value(name);
        let range = if is_header(name) && names_a_secret(name) {
            of_header(line, mark)
        } else if in_pair {
            (pair, next) = (false, Expects::Nothing);
            of_pair(line, at)
        } else if names_a_secret(name) {
            of_value(line, at)
        } else if is_proxy(name) {
            before_host(line, of_value(line, at))
        } else {
            continue;
        };
        let value = &line[range.clone()];
        if matches!(value, "|" | ">" | "|-" | ">-" | "|+" | ">+") && line[range.end..].trim().is_empty() {
            next = Expects::Block { indent: indent(line) };
            break;
        }
        let file = value.starts_with('/') && FILES.iter().any(|end| value.ends_with(end));
        if !file && !matches!(value, "true" | "false" | "null" | "nil") {
            at = at.max(out.hide(range));
        }
    }
    let last = name_before(line.trim_end_matches([',', ' ', '"', '\'', '\\']));
    if next == Expects::Nothing && last.is_some_and(announces_a_secret) {
        next = Expects::Word;
    }
    (out.finish(), next)
}

/// A line of which parts are replaced, from left to right.
struct Out<'a> {
    line: &'a str,
    text: String,
    copied: usize,
}

impl<'a> Out<'a> {
    /// Replaces a part, and says where to go on.
    fn hide(&mut self, range: Range<usize>) -> usize {
        if range.is_empty() || range.start < self.copied {
            return range.start.max(self.copied);
        }
        self.text.push_str(&self.line[self.copied..range.start]);
        self.text.push_str(REDACTED);
        self.copied = range.end;
        range.end
    }

    fn finish(mut self) -> Cow<'a, str> {
        if self.copied == 0 {
            return Cow::Borrowed(self.line);
        }
        self.text.push_str(&self.line[self.copied..]);
        Cow::Owned(self.text)
    }
}

/// The word that ends here, quotation marks left out.
fn name_before(text: &str) -> Option<&str> {
    let text = text.trim_end_matches(['"', '\'', '\\', ' ']);
    let start = text
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .map_or(0, |place| {
            place + text[place..].chars().next().map_or(1, char::len_utf8)
        });
    (start < text.len()).then(|| &text[start..])
}

/// The value of a pair. In Go's output there may be commas in it, and what follows is known.
fn of_pair(line: &str, from: usize) -> Range<usize> {
    let range = of_value(line, from);
    match line[from..].find(",ValueFrom:") {
        Some(end) if range.start == from => from..from + end,
        _ => range,
    }
}

/// User and password of an address without a scheme. One with a scheme is known by its shape.
fn before_host(line: &str, value: Range<usize>) -> Range<usize> {
    let text = &line[value.clone()];
    match text.rfind('@') {
        Some(at) if !text.contains("://") => value.start..value.start + at,
        _ => value.start..value.start,
    }
}

/// The word after a flag, in a command line or in a list: `--password x`, `"--password", "x"`. Another flag is none.
fn next_word(line: &str, mark: usize) -> Range<usize> {
    let start = line.len() - line[mark..].trim_start_matches([' ', '\t', ',']).len();
    word(line, start)
}

/// The only word of a line of a list: `"x",`, `- x`.
fn first_word(line: &str) -> Range<usize> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("- ").unwrap_or(rest).trim_start();
    word(line, line.len() - rest.len())
}

fn word(line: &str, start: usize) -> Range<usize> {
    let range = of_value(line, start);
    if line[range.clone()].starts_with("--") || line[range.clone()].starts_with([']', '}']) {
        return range.start..range.start;
    }
    range
}
