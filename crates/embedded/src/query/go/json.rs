//! A JSON object of texts, as `encoding/json` reads it into a map.

use serde_json::Value;
use serde_json::error::Category;

/// Pairs of an object whose values are texts. `null` is no pair at all, and as a value it is an empty text.
///
/// # Errors
/// The text of Go's error; for syntax errors deep in a literal a near one.
pub(in crate::query) fn parse_texts(text: &str) -> Result<Vec<(String, String)>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| syntax(text, &error))?;
    let object = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Object(object) => object,
        other => return Err(mismatch(&other, "map[string]string")),
    };
    let pair = |(key, value)| match value {
        Value::String(text) => Ok((key, text)),
        Value::Null => Ok((key, String::new())),
        other => Err(mismatch(&other, "string")),
    };
    object.into_iter().map(pair).collect()
}

fn mismatch(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

fn syntax(text: &str, error: &serde_json::Error) -> String {
    let line = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    if let Some(error) = broken_literal(line) {
        return error;
    }
    let Some(character) = rest.chars().next().filter(|_| error.classify() != Category::Eof) else {
        return "unexpected end of JSON input".to_owned();
    };
    let said = error.to_string();
    let place = PLACES
        .iter()
        .find(|(own, _)| said.starts_with(own))
        .map_or("looking for beginning of value", |(_, go)| go);
    let character = match character {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        other => format!("'{}'", other.escape_debug()),
    };
    format!("invalid character {character} {place}")
}

/// `true`, `false` or `null` that stops short or goes wrong; Go sees a space where the text ends.
fn broken_literal(line: &str) -> Option<String> {
    let from = line
        .rfind(|c: char| !c.is_ascii_alphanumeric())
        .map_or(0, |place| place + 1);
    let word = line.get(from..)?;
    let first = word.chars().next()?;
    let literal = ["true", "false", "null"]
        .into_iter()
        .find(|literal| literal.starts_with(first))?;
    let good = literal
        .bytes()
        .zip(word.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let expected = literal.chars().nth(good)?;
    let found = word.chars().nth(good).unwrap_or(' ');
    Some(format!(
        "invalid character '{found}' in literal {literal} (expecting '{expected}')"
    ))
}

/// How the two libraries say where they are.
const PLACES: [(&str, &str); 8] = [
    (
        "key must be a string",
        "looking for beginning of object key string",
    ),
    ("trailing comma", "looking for beginning of object key string"),
    ("trailing characters", "after top-level value"),
    ("expected `:`", "after object key"),
    ("expected `,` or `}`", "after object key:value pair"),
    ("expected `,` or `]`", "after array element"),
    ("control character", "in string literal"),
    ("invalid escape", "in string escape code"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn an_object_of_texts_is_read() {
        let pairs = parse_texts(r#"{"a":"1","b":null,"a":"2"}"#).unwrap();
        assert_eq!(
            pairs,
            [("a".to_owned(), "2".to_owned()), ("b".to_owned(), String::new())]
        );
        assert_eq!(parse_texts("null"), Ok(vec![]));
    }

    #[rstest]
    #[case("tru", "invalid character ' ' in literal true (expecting 'e')")]
    #[case("{\"a\":nul", "invalid character ' ' in literal null (expecting 'l')")]
    #[case("trux", "invalid character 'x' in literal true (expecting 'e')")]
    #[case("x", "invalid character 'x' looking for beginning of value")]
    #[case("", "unexpected end of JSON input")]
    #[case(r#"{"a":"#, "unexpected end of JSON input")]
    #[case(r#"{"a":1}"#, "json: cannot unmarshal number into Go value of type string")]
    #[case(r#"{"a":{}}"#, "json: cannot unmarshal object into Go value of type string")]
    #[case("[1]", "json: cannot unmarshal array into Go value of type map[string]string")]
    #[case(
        "\"a\"",
        "json: cannot unmarshal string into Go value of type map[string]string"
    )]
    #[case("\"a\":1", "invalid character ':' after top-level value")]
    #[case(
        "{'a':1}",
        r"invalid character '\'' looking for beginning of object key string"
    )]
    #[case(r#"{"a" 1}"#, "invalid character '1' after object key")]
    #[case(r#"{"a":"1" "b"}"#, r#"invalid character '"' after object key:value pair"#)]
    fn errors_read_as_in_go(#[case] text: &str, #[case] error: &str) {
        assert_eq!(parse_texts(text), Err(error.to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[{}\["a:,1tn \n'\]ü]{0,20}|.{0,20}"#) {
            let _ = parse_texts(&text);
        }
    }
}
