//! `x-request-id` and `x-debug`: headers that travel with a request whatever happens to its trace context.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::names;

/// The correlation headers of the request that is being served. They live in the OpenTelemetry context, so that every
/// span and every outgoing call below the server span finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlation {
    /// `x-request-id`: the caller's, or generated.
    pub request_id: String,
    /// `x-debug`, when the caller sent it.
    pub debug: Option<HeaderValue>,
}

impl Correlation {
    /// Longest request id that is taken from a caller, in bytes; a longer one is no id but a way to fill a store.
    pub const MAX_REQUEST_ID: usize = 128;

    /// Reads the headers of a request. A request id that is missing, empty, not visible ASCII, or longer than
    /// [`Correlation::MAX_REQUEST_ID`] is replaced by a generated one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let request_id = headers
            .get(names::X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
            .filter(|id| !id.is_empty() && id.len() <= Self::MAX_REQUEST_ID)
            .map_or_else(
                || format!("r-{}", RandomIdGenerator::default().new_span_id()),
                str::to_owned,
            );
        Self {
            request_id,
            debug: headers.get(names::X_DEBUG).cloned(),
        }
    }

    /// The correlation of the request that is being served, if there is one.
    #[must_use]
    pub fn current() -> Option<Self> {
        Context::map_current(|cx| cx.get::<Self>().cloned())
    }

    /// Puts the headers onto an outgoing request or a response.
    pub fn inject(&self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(HeaderName::from_static(names::X_REQUEST_ID), id);
        }
        if let Some(debug) = &self.debug {
            headers.insert(HeaderName::from_static(names::X_DEBUG), debug.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(name: &'static str, value: &[u8]) -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value).unwrap(),
        )])
    }

    #[test]
    fn takes_the_callers_request_id() {
        assert_eq!(
            Correlation::from_headers(&headers("x-request-id", b"r-81")).request_id,
            "r-81"
        );
    }

    #[rstest]
    #[case(b"")]
    #[case(b"   ")]
    #[case("größe".as_bytes())]
    #[case(&[b'a'; Correlation::MAX_REQUEST_ID + 1])]
    fn replaces_a_request_id_that_is_none(#[case] value: &[u8]) {
        let request_id = Correlation::from_headers(&headers("x-request-id", value)).request_id;
        assert!(
            request_id.starts_with("r-") && request_id.len() == 18,
            "{request_id}"
        );
    }

    #[test]
    fn generated_request_ids_differ() {
        let generated = || Correlation::from_headers(&HeaderMap::new()).request_id;
        assert_ne!(generated(), generated());
    }

    #[test]
    fn the_debug_header_is_passed_on_only_when_it_came() {
        let mut outgoing = HeaderMap::new();
        Correlation::from_headers(&headers("x-debug", b"\xffme")).inject(&mut outgoing);
        assert_eq!(outgoing.get("x-debug").unwrap().as_bytes(), b"\xffme");
        let mut outgoing = HeaderMap::new();
        Correlation::from_headers(&HeaderMap::new()).inject(&mut outgoing);
        assert_eq!(
            outgoing.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-request-id"]
        );
    }
}
