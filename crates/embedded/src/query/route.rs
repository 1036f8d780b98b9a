//! Which request means what.

use http::Method;

use super::params::{segment, segment_as_parameter};

/// What a request asks for. Ids and names are as they stand in the path, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Services,
    Operations,
    OperationNames(String),
    Traces,
    Trace(String),
    Archive(String),
    Transform,
    Dependencies,
    Metrics(Metric),
    V3Services,
    V3Operations,
    V3Traces,
    V3Trace(String),
    V3Summaries,
    /// A path below `/api/` that does not exist, or not with this method.
    Nothing,
    /// A page for people about one trace.
    TracePage(String),
    /// The start page, which is also the answer to every other path: so does a single-page application's server.
    Page,
}

/// One of the metrics that Jaeger computes when it has a metrics store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Latencies,
    Calls,
    Errors,
}

impl Route {
    /// Reads a request's method and its path as it came.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        let Some(below) = path.strip_prefix("/api/") else {
            let id = path
                .strip_prefix("/trace/")
                .filter(|id| !id.is_empty() && !id.contains('/'));
            return id.map_or(Self::Page, |id| Self::TracePage(segment(id)));
        };
        let segments: Vec<&str> = below.split('/').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return Self::Nothing;
        }
        let get = matches!(*method, Method::GET | Method::HEAD);
        let post = *method == Method::POST;
        match segments[..] {
            ["services"] if get => Self::Services,
            ["operations"] if get => Self::Operations,
            ["services", service, "operations"] if get => Self::OperationNames(segment_as_parameter(service)),
            ["traces"] if get => Self::Traces,
            ["traces", id] if get => Self::Trace(segment(id)),
            ["archive", id] if post => Self::Archive(segment(id)),
            ["transform"] if post => Self::Transform,
            ["dependencies"] if get => Self::Dependencies,
            ["metrics", "latencies"] if get => Self::Metrics(Metric::Latencies),
            ["metrics", "calls"] if get => Self::Metrics(Metric::Calls),
            ["metrics", "errors"] if get => Self::Metrics(Metric::Errors),
            ["v3", "services"] if get => Self::V3Services,
            ["v3", "operations"] if get => Self::V3Operations,
            ["v3", "traces"] if get => Self::V3Traces,
            ["v3", "traces", id] if get => Self::V3Trace(segment(id)),
            ["v3", "trace-summaries"] if get => Self::V3Summaries,
            _ => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("GET", "/api/services", Route::Services)]
    #[case("HEAD", "/api/services", Route::Services)]
    #[case("GET", "/api/services/a%2Bb/operations", Route::OperationNames("a b".to_owned()))]
    #[case("GET", "/api/services/a%2Fb/operations", Route::OperationNames("a/b".to_owned()))]
    #[case("GET", "/api/traces/ab", Route::Trace("ab".to_owned()))]
    #[case("POST", "/api/archive/ab", Route::Archive("ab".to_owned()))]
    #[case("GET", "/api/v3/traces/a%2B", Route::V3Trace("a+".to_owned()))]
    #[case("GET", "/api/v3/trace-summaries", Route::V3Summaries)]
    #[case::wrong_method("POST", "/api/services", Route::Nothing)]
    #[case::wrong_method("GET", "/api/transform", Route::Nothing)]
    #[case::slash_at_the_end("GET", "/api/traces/", Route::Nothing)]
    #[case::not_served_over_http("GET", "/api/v3/dependencies", Route::Nothing)]
    #[case::sample_data("GET", "/api/quality-metrics", Route::Nothing)]
    #[case::unknown("GET", "/api/nope", Route::Nothing)]
    #[case::not_below_api("GET", "/api", Route::Page)]
    #[case("GET", "/", Route::Page)]
    #[case("POST", "/search", Route::Page)]
    #[case("GET", "/trace/ab", Route::TracePage("ab".to_owned()))]
    #[case("GET", "/trace/ab/cd", Route::Page)]
    fn a_request_means_what_it_means_to_jaeger(
        #[case] method: &str,
        #[case] path: &str,
        #[case] route: Route,
    ) {
        assert_eq!(Route::of(&method.parse().unwrap(), path), route);
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic(path in r"/(api/)?(v3/)?[a-z/%0-9ü.+]{0,30}|.{0,20}") {
            let _ = (Route::of(&Method::GET, &path), Route::of(&Method::POST, &path));
        }
    }
}
