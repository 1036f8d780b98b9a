//! Which OTLP receiver the variables name, and how to speak to it.

use std::time::Duration;

use super::{Ignored, Lookup, first, number};
use crate::names::vars;

/// An OTLP receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How to speak to it.
    pub protocol: Protocol,
    /// Its URL; for HTTP the whole one, `/v1/traces` included.
    pub endpoint: String,
    /// Limit for one export.
    pub timeout: Duration,
}

/// The three encodings and transports of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC.
    Grpc,
    /// Protobuf over HTTP.
    HttpProtobuf,
    /// JSON over HTTP.
    HttpJson,
}

/// Settings with which spans can't be exported as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// TLS was asked for.
    #[error("endpoint {endpoint:?}: spans are exported in plain text, so the scheme has to be `http`")]
    Scheme {
        /// The endpoint as it was given.
        endpoint: String,
    },
    /// The endpoint is no URL.
    #[error("endpoint {endpoint:?} is no URL such as `http://localhost:4317`")]
    Endpoint {
        /// The endpoint as it was given.
        endpoint: String,
    },
}

pub(super) fn target(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> Result<Target, SettingsError> {
    let mut protocol = Protocol::Grpc;
    if let Some((variable, value)) = first(lookup, [vars::TRACES_PROTOCOL, vars::PROTOCOL]) {
        match value.as_str() {
            "grpc" => {}
            "http/protobuf" => protocol = Protocol::HttpProtobuf,
            "http/json" => protocol = Protocol::HttpJson,
            _ => {
                ignored.push(Ignored {
                    variable,
                    value,
                    expected: "`grpc`, `http/protobuf` or `http/json`",
                });
            }
        }
    }
    let given = first(lookup, [vars::TRACES_ENDPOINT, vars::ENDPOINT]);
    let endpoint = match (&given, protocol) {
        (None, Protocol::Grpc) => "http://localhost:4317".to_owned(),
        (None, _) => "http://localhost:4318/v1/traces".to_owned(),
        // Used as it is: OTLP 1.11, "Endpoint URLs for OTLP/HTTP".
        (Some((vars::TRACES_ENDPOINT, url)), _) | (Some((_, url)), Protocol::Grpc) => url.clone(),
        (Some((_, url)), _) => format!("{}/v1/traces", url.trim_end_matches('/')),
    };
    let as_given = || given.clone().map_or_else(|| endpoint.clone(), |(_, url)| url);
    let timeout = first(lookup, [vars::TRACES_TIMEOUT, vars::TIMEOUT])
        .and_then(|(variable, _)| number(lookup, variable, ignored))
        .map_or(
            opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT,
            Duration::from_millis,
        );
    let uri: http::Uri = endpoint
        .parse()
        .map_err(|_| SettingsError::Endpoint { endpoint: as_given() })?;
    match uri.scheme_str() {
        Some("http") => Ok(Target {
            protocol,
            endpoint,
            timeout,
        }),
        Some(_) => Err(SettingsError::Scheme { endpoint: as_given() }),
        None => Err(SettingsError::Endpoint { endpoint: as_given() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(table: &[(&str, &str)]) -> Result<Target, SettingsError> {
        let lookup = |key: &str| {
            let found = table.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        };
        target(&lookup, &mut Vec::new())
    }

    #[rstest]
    #[case::default(&[], Protocol::Grpc, "http://localhost:4317")]
    #[case::grpc(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317")], Protocol::Grpc, "http://c:4317")]
    #[case::http_default(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], Protocol::HttpJson, "http://localhost:4318/v1/traces")]
    #[case::http_base(
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/base/")],
        Protocol::HttpProtobuf, "http://c:4318/base/v1/traces"
    )]
    #[case::traces_endpoint_is_used_as_it_is(
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1"),
          ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://d:2/spans")],
        Protocol::HttpProtobuf, "http://d:2/spans"
    )]
    #[case::traces_protocol_wins(
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")],
        Protocol::Grpc, "http://localhost:4317"
    )]
    #[case::empty_is_unset(
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", ""), ("OTEL_EXPORTER_OTLP_ENDPOINT", " ")],
        Protocol::Grpc, "http://localhost:4317"
    )]
    fn finds_the_receiver(
        #[case] table: &[(&str, &str)],
        #[case] protocol: Protocol,
        #[case] endpoint: &str,
    ) {
        let target = read(table).unwrap();
        assert_eq!((target.protocol, target.endpoint.as_str()), (protocol, endpoint));
    }

    #[rstest]
    #[case("https://c:4317", SettingsError::Scheme { endpoint: "https://c:4317".into() })]
    #[case("unix:///tmp/c", SettingsError::Endpoint { endpoint: "unix:///tmp/c".into() })]
    #[case("c:4317", SettingsError::Endpoint { endpoint: "c:4317".into() })]
    #[case("not a url", SettingsError::Endpoint { endpoint: "not a url".into() })]
    fn refuses_an_endpoint_that_it_cannot_export_to(#[case] endpoint: &str, #[case] error: SettingsError) {
        assert_eq!(
            read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).unwrap_err(),
            error
        );
    }
}
