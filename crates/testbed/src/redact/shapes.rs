//! Secrets known by what they look like, whatever their name.

use std::borrow::Cow;

use super::REDACTED;
use super::names::NAMED;

/// How tokens of well-known services begin, and private keys in Base64.
pub(super) const PREFIXES: [&str; 12] = [
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "LS0tLS1CRUdJTiBQUklW",
    "LS0tLS1CRUdJTiBSU0Eg",
    "LS0tLS1CRUdJTiBFQyBQ",
    "LS0tLS1CRUdJTiBPUEVO",
];
/// What a token of JSON, or an address with a user, has in it; in lower case.
const OTHERS: [&str; 2] = ["eyj", "://"];
/// Words after which a credential follows.
pub(super) const SCHEMES: [&str; 2] = ["bearer ", "basic "];
/// A user before the host of a URL is a token when it is as long as this: `ssh://git@…` is none.
const TOKEN: usize = 12;

/// Most lines of a log hold nothing that could be a secret: megabytes of them are passed over by these few looks.
pub(super) fn is_worth_a_look(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let mut in_any_case = NAMED.iter().chain(&SCHEMES).chain(&OTHERS);
    in_any_case.any(|part| lower.contains(part)) || PREFIXES.iter().any(|prefix| line.contains(prefix))
}

/// Where a private key begins.
pub(super) fn private_key(line: &str) -> Option<usize> {
    let begin = line.find("-----BEGIN ")?;
    let title = &line[begin + "-----BEGIN ".len()..];
    let title = &title[..title.find("-----")?];
    title.contains("PRIVATE KEY").then_some(begin)
}

/// The line with what looks like a secret replaced wherever it stands.
pub(super) fn hidden(line: &str) -> String {
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
        if start < copied {
            continue;
        }
        let word = &line[start..];
        let word = &word[..word
            .find([' ', '\t', '"', '\'', ')', ',', '>'])
            .unwrap_or(word.len())];
        let authority = &word[..word.find(['/', '?', '#', '\\']).unwrap_or(word.len())];
        // A password may have a `/` that nobody has encoded. What follows the colon is then no port.
        let port = authority
            .rsplit_once(':')
            .is_none_or(|(_, port)| port.bytes().all(|c| c.is_ascii_digit()));
        let at = match authority.rfind('@') {
            None if port => continue,
            None => word.rfind('@'),
            at => at,
        };
        let Some(at) = at else { continue };
        let user = &word[..at];
        if user == REDACTED || !(user.contains(':') || user.len() >= TOKEN) {
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
