//! Secrets taken out of what is kept of a run: pure functions of text and JSON.
//!
//! What looks like a secret by its name (`password: …`, `--token …`, an environment variable `DB_PASSWORD`) or by its
//! shape (private keys, bearer tokens, JSON Web Tokens, passwords in URLs, well-known prefixes) is replaced. Rather too
//! much than too little: evidence is read by people and attached to tickets.

mod extent;
mod json;
mod names;
mod shapes;
mod values;

use std::borrow::Cow;

pub use json::value;
use values::Expects;

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Redacts a text line by line; private keys span several lines, and a value may stand below its name.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    in_key: bool,
    expects: Expects,
}

impl Redactor {
    /// The line without its secrets.
    pub fn line<'a>(&mut self, line: &'a str) -> Cow<'a, str> {
        if self.in_key {
            self.in_key = !line.contains("-----END ");
            return Cow::Borrowed(REDACTED);
        }
        let expects = std::mem::take(&mut self.expects);
        if let Expects::Block { indent } = expects
            && (line.trim().is_empty() || values::indent(line) > indent)
        {
            self.expects = expects;
            return Cow::Borrowed(if line.trim().is_empty() { line } else { REDACTED });
        }
        if matches!(expects, Expects::Nothing | Expects::Block { .. }) && !shapes::is_worth_a_look(line) {
            return Cow::Borrowed(line);
        }
        if let Some(begin) = shapes::private_key(line) {
            let (head, rest) = line.split_at(begin);
            let (head, _) = values::hidden(head, expects);
            let tail = rest.find("-----END ").and_then(|end| {
                let rest = &rest[end + "-----END ".len()..];
                rest.find("-----").map(|dashes| &rest[dashes + 5..])
            });
            self.in_key = tail.is_none();
            let tail = tail.map(|tail| self.line(tail)).unwrap_or_default();
            return Cow::Owned(format!("{}{REDACTED}{tail}", shapes::hidden(&head)));
        }
        let (out, expects) = values::hidden(line, expects);
        self.expects = expects;
        Cow::Owned(shapes::hidden(&out))
    }
}

/// A whole text without its secrets.
#[must_use]
pub fn text(text: &str) -> String {
    let mut redactor = Redactor::default();
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.strip_suffix('\n').unwrap_or(line);
        out.push_str(&redactor.line(content));
        out.push_str(&line[content.len()..]);
    }
    out
}

#[cfg(test)]
mod tests;
