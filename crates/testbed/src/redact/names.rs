//! Which names announce a secret.

/// Parts of names that hold secrets. Matched without case, `-`, `_` and `.`.
pub(super) const NAMES: [&str; 15] = [
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
    "signingkey",
    "encryptionkey",
    "masterkey",
    "credential",
];
/// Ends of names that hold secrets: `DB_PASS`, `MYSQL_PWD`, `SESSION_KEY`.
pub(super) const ENDS: [&str; 3] = ["pass", "pwd", "key"];
/// Ends of names that only speak about secrets: `secretName`, `tokenExpirationSeconds`.
const HARMLESS: [&str; 11] = [
    "name",
    "ref",
    "seconds",
    "path",
    "type",
    "policy",
    "mount",
    "mode",
    "publickey",
    "serviceaccounttoken",
    "tokens",
];
/// What a line with a secret's name has in it, in lower case.
pub(super) const NAMED: [&str; 9] = [
    "pass",
    "pwd",
    "cookie",
    "secret",
    "token",
    "key",
    "authorization",
    "credential",
    "proxy",
];

pub(super) fn names_a_secret(name: &str) -> bool {
    let plain = plain(name);
    let holds = NAMES.iter().any(|part| plain.contains(part)) || ends_as_one(name);
    holds && !HARMLESS.iter().any(|end| plain.ends_with(end))
}

/// Whether a word of a command line is followed by a secret: `--password`.
pub(super) fn announces_a_secret(word: &str) -> bool {
    word.starts_with('-') && !word.contains('=') && names_a_secret(word.trim_start_matches('-'))
}

/// Whether it is a header whose value is more than one word: `Authorization: Token …`, `Cookie: a=1; b=2`.
pub(super) fn is_header(name: &str) -> bool {
    let plain = plain(name);
    ["authorization", "cookie", "cookies"]
        .iter()
        .any(|end| plain.ends_with(end))
}

/// Whether its value may be an address with a password and without a scheme: `HTTP_PROXY=user:pw@host`.
pub(super) fn is_proxy(name: &str) -> bool {
    plain(name).ends_with("proxy")
}

/// Whether its value is the name of what stands beside it as `value`: `{"name":"DB_PASSWORD","value":"…"}`.
pub(super) fn is_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("name") || name.eq_ignore_ascii_case("key")
}

/// Whether it is the other half of such a pair.
pub(super) fn is_value(name: &str) -> bool {
    name.eq_ignore_ascii_case("value")
}

/// `DB_PASS`, but neither `bypass` nor `PWD`; `SIGNING_KEY`, but not `key`.
fn ends_as_one(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ENDS.iter().any(|end| {
        lower.strip_suffix(end).is_some_and(|head| {
            head.ends_with(['_', '-', '.']) && head.chars().any(|c| c.is_ascii_alphanumeric())
        })
    })
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | '.'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
