//! Secrets in JSON: the shape stays.

use serde_json::Value;

use super::names::{announces_a_secret, is_name, is_value, names_a_secret};
use super::{REDACTED, text};

/// Takes the secrets out of a JSON value: values of secret names, of environment variables with secret names, the data
/// of Secrets, and whatever looks like a secret in other strings.
pub fn value(json: &mut Value) {
    match json {
        Value::String(string) => *string = within(string),
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
            let names = map.iter().filter(|(name, _)| is_name(name));
            let variable = names.filter_map(|(_, item)| item.as_str()).any(names_a_secret);
            for (name, item) in map.iter_mut() {
                let hidden = names_a_secret(name)
                    || (is_secret && matches!(name.as_str(), "data" | "stringData"))
                    || (variable && is_value(name));
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

/// A string that is JSON itself, as `kubectl.kubernetes.io/last-applied-configuration` is, or any other.
fn within(string: &str) -> String {
    if string.starts_with(['{', '['])
        && let Ok(mut inner) = serde_json::from_str::<Value>(string)
    {
        let before = inner.clone();
        value(&mut inner);
        // As it was written, when there is nothing to hide.
        return if inner == before {
            string.to_owned()
        } else {
            inner.to_string()
        };
    }
    text(string)
}
