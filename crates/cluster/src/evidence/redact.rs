//! Secrets taken out of evidence: pure functions of text and JSON.
//!
//! What looks like a secret by its name (`password: …`, `--token …`, an environment variable `DB_PASSWORD`) or by its
//! shape (private keys, bearer tokens, JSON Web Tokens, passwords in URLs, well-known prefixes) is replaced. Rather too
//! much than too little: evidence is read by people and attached to tickets.

use std::borrow::Cow;

use serde_json::Value;

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Parts of names that hold secrets. Matched without case, `-`, `_` and `.`.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "cookie",
    "secret",
    "token",
    "apikey",
    "authorization",
    "privatekey",
    "clientkeydata",
    "accesskey",
    "credential",
];
/// Ends of names that hold secrets: `DB_PASS`, `MYSQL_PWD`.
const ENDS: [&str; 2] = ["pass", "pwd"];
/// Ends of names that only speak about secrets: `secretName`, `tokenExpirationSeconds`.
const HARMLESS: [&str; 9] = [
    "name",
    "ref",
    "seconds",
    "path",
    "type",
    "policy",
    "mount",
    "serviceaccounttoken",
    "tokens",
];
/// How tokens of well-known services begin.
const PREFIXES: [&str; 8] = [
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
];
/// What a line with a secret's name has in it, in lower case.
const NAMED: [&str; 8] = [
    "pass",
    "pwd",
    "cookie",
    "secret",
    "token",
    "key",
    "authorization",
    "credential",
];
/// What a line with a secret's shape has in it, in lower case.
const SHAPED: [&str; 12] = [
    "eyj",
    "://",
    "bearer ",
    "basic ",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "akia",
];
/// Words after which a credential follows.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// Redacts a text line by line; private keys span several lines.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    in_key: bool,
}

impl Redactor {
    /// The line without its secrets.
    pub fn line<'a>(&mut self, line: &'a str) -> Cow<'a, str> {
        if self.in_key {
            self.in_key = !line.contains("-----END ");
            return Cow::Borrowed(REDACTED);
        }
        // Most lines of a log hold nothing that could be a secret: megabytes of them are passed over by these few looks.
        let lower = line.to_ascii_lowercase();
        let (named, shaped) = (
            NAMED.iter().any(|part| lower.contains(part)),
            SHAPED.iter().any(|part| lower.contains(part)),
        );
        if !named && !shaped {
            return Cow::Borrowed(line);
        }
        if let Some(begin) = private_key(line) {
            let (head, rest) = line.split_at(begin);
            let tail = rest.find("-----END ").and_then(|end| {
                let rest = &rest[end + "-----END ".len()..];
                rest.find("-----").map(|dashes| &rest[dashes + 5..])
            });
            self.in_key = tail.is_none();
            let head = words(&values(head));
            return Cow::Owned(format!("{head}{REDACTED}{}", tail.unwrap_or_default()));
        }
        Cow::Owned(words(&values(line)))
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

/// Takes the secrets out of a JSON value: values of secret names, of environment variables with secret names, the data
/// of Secrets, and whatever looks like a secret in other strings.
pub fn value(json: &mut Value) {
    match json {
        Value::String(string) => *string = text(string),
        Value::Array(items) => {
            // `["--password", "…"]`: a command line, of which each word is an element.
            let mut secret_follows = false;
            for item in items {
                let word = item.as_str().unwrap_or_default();
                let (flag, announces) = (word.starts_with("--"), announces_a_secret(word));
                if secret_follows && !flag {
                    hide(item);
                } else {
                    value(item);
                }
                secret_follows = announces;
            }
        }
        Value::Object(map) => {
            let is_secret = map.get("kind").and_then(Value::as_str) == Some("Secret");
            let variable = map
                .get("name")
                .and_then(Value::as_str)
                .is_some_and(names_a_secret);
            for (name, item) in map.iter_mut() {
                let hidden = names_a_secret(name)
                    || (is_secret && matches!(name.as_str(), "data" | "stringData"))
                    || (variable && name == "value");
                if hidden { hide(item) } else { value(item) }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every string in it, however deep; the shape stays.
fn hide(json: &mut Value) {
    match json {
        Value::String(string) if !string.is_empty() => REDACTED.clone_into(string),
        Value::Number(_) => *json = REDACTED.into(),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::String(_) | Value::Null | Value::Bool(_) => {}
    }
}

/// `DB_PASS`, but neither `bypass` nor `PWD`.
fn ends_as_one(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ENDS.iter().any(|end| {
        lower
            .strip_suffix(end)
            .is_some_and(|head| head.ends_with(['_', '-', '.']))
    })
}

/// Whether a word of a command line is followed by a secret: `--password`.
fn announces_a_secret(word: &str) -> bool {
    word.starts_with('-') && !word.contains('=') && names_a_secret(word.trim_start_matches('-'))
}

fn names_a_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | '.'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let holds = NAMES.iter().any(|part| plain.contains(part)) || ends_as_one(name);
    holds && !HARMLESS.iter().any(|end| plain.ends_with(end))
}

/// Where a private key begins.
fn private_key(line: &str) -> Option<usize> {
    let begin = line.find("-----BEGIN ")?;
    line[begin..].contains("PRIVATE KEY-----").then_some(begin)
}

/// Replaces what follows a secret's name: `name: value`, `name=value`, `"name":"value"`, `--name value`.
fn values(line: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = line[at..].find([':', '=', ' ']) {
        let mark = at + found;
        at = mark + 1;
        let Some(name) = name_before(&line[..mark]) else {
            continue;
        };
        let flag = line.as_bytes()[mark] == b' ';
        if (flag && !name.starts_with("--")) || !names_a_secret(name) {
            continue;
        }
        let (start, end) = value_after(line, mark + 1);
        if start == end || matches!(&line[start..end], "true" | "false" | "null" | "nil") {
            continue;
        }
        out.push_str(&line[copied..start]);
        out.push_str(REDACTED);
        copied = end;
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(line);
    }
    out.push_str(&line[copied..]);
    Cow::Owned(out)
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

/// Where the value that follows begins and ends, quotation marks left out.
fn value_after(line: &str, from: usize) -> (usize, usize) {
    let rest = &line[from..];
    let lead = rest.len() - rest.trim_start_matches([' ', '\t', '\\', '"', '\'']).len();
    let quoted = rest[..lead].trim_start().trim_start_matches('\\').chars().next();
    let start = from + lead;
    let value = &line[start..];
    let end = match quoted {
        // An escaped quotation mark ends a value that is quoted inside a quoted text.
        Some(quote) => value
            .find(quote)
            .map(|end| value[..end].trim_end_matches('\\').len()),
        None => {
            let lower = value.to_ascii_lowercase();
            // `Authorization: Bearer …` is two words.
            let scheme = SCHEMES
                .iter()
                .find(|scheme| lower.starts_with(**scheme))
                .map_or(0, |scheme| scheme.len());
            value[scheme..]
                .find([' ', '\t', ',', ';', '&', '"', '\'', '}', ']', ')'])
                .map(|end| scheme + end)
        }
    };
    (start, start + end.unwrap_or(value.len()))
}

/// Replaces words that look like secrets wherever they stand.
fn words(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut after_scheme = false;
    for word in line.split_inclusive(|c: char| !is_word(c)) {
        let content = word.trim_end_matches(|c: char| !is_word(c));
        let hidden = (after_scheme && content.len() >= 8) || looks_secret(content);
        out.push_str(if hidden { REDACTED } else { content });
        out.push_str(&word[content.len()..]);
        after_scheme = word.ends_with(' ') && SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
    }
    user_info(&out).into_owned()
}

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '~')
}

fn looks_secret(word: &str) -> bool {
    let prefixed = PREFIXES
        .iter()
        .any(|prefix| word.starts_with(prefix) && word.len() >= prefix.len() + 12);
    // A JSON Web Token: three parts in base64url, of which the first two are JSON objects (RFC 7519).
    let mut parts = word.split('.');
    let token = word.starts_with("eyJ")
        && parts.next().is_some_and(|header| header.len() >= 10)
        && parts.next().is_some_and(|claims| claims.starts_with("eyJ"));
    prefixed || token
}

/// Replaces `user:password` before the host of a URL (RFC 3986, section 3.2.1).
fn user_info(line: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for (place, _) in line.match_indices("://") {
        let start = place + 3;
        let end = line[start..]
            .find(['/', ' ', '"', '\'', '?', '#', ')', ','])
            .map_or(line.len(), |end| start + end);
        let Some(at) = line[start..end].rfind('@') else {
            continue;
        };
        if start < copied || !line[start..start + at].contains(':') {
            continue;
        }
        out.push_str(&line[copied..start]);
        out.push_str(REDACTED);
        copied = start + at;
    }
    if copied == 0 {
        return Cow::Borrowed(line);
    }
    out.push_str(&line[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
