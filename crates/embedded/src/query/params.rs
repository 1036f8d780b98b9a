//! A request's query parameters, read as Go reads them.

use percent::decode;

use super::go;

mod percent;

/// The parameters in the order in which they came; names may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query string. A pair with a broken escape or a semicolon is skipped, as in Go.
    pub(super) fn parse(query: &str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.contains(';'));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name, true)?, decode(value, true)?))
        };
        Self(pairs.filter_map(pair).collect())
    }

    /// The first value of that name; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All values of that name.
    pub(super) fn all<'p, 'n>(&'p self, name: &'n str) -> impl Iterator<Item = &'p str> + use<'p, 'n> {
        self.0
            .iter()
            .filter(move |(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the name occurs.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value under the first of several names that has one, with the name that counts in messages.
    pub(super) fn any_of<'n>(&self, names: &[&'n str]) -> (&str, &'n str) {
        let found = names
            .iter()
            .map(|name| (self.get(name), *name))
            .find(|(value, _)| !value.is_empty());
        found.unwrap_or(("", names.last().copied().unwrap_or_default()))
    }

    /// A truth value; false when it is missing or empty.
    ///
    /// # Errors
    /// The legacy API's message.
    pub(super) fn truth(&self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            "" => Ok(false),
            text => go::parse_bool(text).map_err(|error| unable(name, &error)),
        }
    }

    /// A number; `None` when it is missing or empty.
    ///
    /// # Errors
    /// The legacy API's message.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, String> {
        match self.get(name) {
            "" => Ok(None),
            text => go::parse_int(text)
                .map(Some)
                .map_err(|error| unable(name, &error)),
        }
    }

    /// A duration in nanoseconds; `None` when it is missing or empty.
    ///
    /// # Errors
    /// The legacy API's message.
    pub(super) fn duration(&self, name: &str) -> Result<Option<i64>, String> {
        match self.get(name) {
            "" => Ok(None),
            text => go::parse_duration(text)
                .map(Some)
                .map_err(|error| unable(name, &error)),
        }
    }
}

/// A segment of a path; broken escapes stay as they are.
pub(super) fn segment(text: &str) -> String {
    decode(text, false).unwrap_or_else(|| text.to_owned())
}

/// The same for a segment that Jaeger decodes twice, the second time like a query parameter.
pub(super) fn segment_as_parameter(text: &str) -> String {
    let once = segment(text);
    decode(&once, true).unwrap_or(once)
}

/// The legacy API's message about a parameter.
pub(super) fn unable(name: &str, error: &str) -> String {
    format!("unable to parse param '{name}': {error}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_repeat_and_the_first_counts() {
        let params = Params::parse("tag=a%3Ab&tag=c+d&service=&x&&%zz=1&a;b=2");
        assert_eq!(params.all("tag").collect::<Vec<_>>(), ["a:b", "c d"]);
        assert_eq!(
            (params.get("tag"), params.get("service"), params.get("nope")),
            ("a:b", "", "")
        );
        assert!(params.has("x") && params.has("service") && !params.has("nope"));
        assert_eq!(params.0.len(), 4, "broken pairs are skipped: {params:?}");
    }

    #[test]
    fn a_later_name_counts_when_the_earlier_one_is_empty() {
        let params = Params::parse("query.serviceName=&query.service_name=a");
        let names = ["query.serviceName", "query.service_name"];
        assert_eq!(params.any_of(&names), ("a", "query.service_name"));
        assert_eq!(Params::default().any_of(&names), ("", "query.service_name"));
    }

    #[test]
    fn a_service_in_the_path_is_decoded_twice() {
        assert_eq!(segment_as_parameter("a%2Bb"), "a b");
        assert_eq!(segment_as_parameter("a%2525"), "a%");
        assert_eq!(segment_as_parameter("a%25zz"), "a%zz");
        assert_eq!(segment("a+b%20c%zz"), "a+b%20c%zz");
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in r"[a-z%&=;+0-9A-F]{0,40}|.{0,20}") {
            let params = Params::parse(&query);
            let _ = (params.truth("a"), params.number("a"), params.duration("a"));
            let _ = segment_as_parameter(&query);
        }

        #[test]
        fn escaped_text_is_read_back(text in any::<String>()) {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let params = Params::parse(&format!("k={escaped}"));
            prop_assert_eq!(params.get("k"), text);
        }
    }
}
