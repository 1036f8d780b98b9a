//! How the program answers with `--format json`: objects and arrays on standard output, errors there too, and nothing at all when
//! there is nothing to say.

use serde_json::Value;

/// What a call said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// It worked; [`Value::Null`] when it said nothing.
    Well(Value),
    /// It failed, in its own words.
    Badly(String),
}

/// Reads an answer. Three forms are known: the bare value of 2.29 and later, `{"error": …}`, and the older envelope
/// `{"cmd", "stdout", "stderr", "err"}`. Errors of the command line come as plain text on standard error, whatever the format.
pub(super) fn read(success: bool, stdout: &str, stderr: &str) -> Said {
    let stdout = stdout.trim();
    let value: Option<Value> = serde_json::from_str(stdout).ok();
    let error = value.as_ref().and_then(|value| {
        let text = value.get("error").or_else(|| value.get("err"))?.as_str()?;
        (!text.is_empty()).then(|| text.trim().to_owned())
    });
    if let Some(error) = error {
        return Said::Badly(error);
    }
    if !success {
        let words = [stderr.trim(), stdout].into_iter().find(|text| !text.is_empty());
        return Said::Badly(words.unwrap_or("no reason given").to_owned());
    }
    match value {
        Some(Value::Object(mut fields)) if fields.contains_key("cmd") => {
            Said::Well(fields.remove("stdout").unwrap_or(Value::Null))
        }
        Some(value) => Said::Well(value),
        None if stdout.is_empty() => Said::Well(Value::Null),
        // `helm …` prints text whatever format is asked for.
        None => Said::Well(Value::String(stdout.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn silence_is_success_without_a_value() {
        assert_eq!(read(true, "", ""), Said::Well(Value::Null));
    }

    #[test]
    fn an_error_is_found_on_standard_output() {
        let said = read(false, "{\n  \"error\": \"namespace N is not managed\"\n}", "");
        assert_eq!(said, Said::Badly("namespace N is not managed".into()));
    }

    #[test]
    fn the_older_envelope_is_unwrapped() {
        let said = read(true, r#"{"cmd":"list","stdout":[{"name":"order-service"}]}"#, "");
        assert_eq!(said, Said::Well(json!([{"name": "order-service"}])));
        let said = read(
            false,
            r#"{"cmd":"leave","err":"Intercept named \"x\" not found"}"#,
            "",
        );
        assert_eq!(said, Said::Badly("Intercept named \"x\" not found".into()));
    }

    #[test]
    fn an_error_of_the_command_line_is_found_on_standard_error() {
        let said = read(
            false,
            "",
            "telepresence intercept: error: unknown flag: --nosuchflag\n",
        );
        assert_eq!(
            said,
            Said::Badly("telepresence intercept: error: unknown flag: --nosuchflag".into())
        );
    }

    #[test]
    fn a_failure_without_words_is_still_a_failure() {
        assert_eq!(read(false, "", ""), Said::Badly("no reason given".into()));
    }

    #[test]
    fn plain_text_is_kept() {
        let said = read(true, "Traffic Manager installed successfully\n", "");
        assert_eq!(
            said,
            Said::Well(Value::String("Traffic Manager installed successfully".into()))
        );
    }
}
