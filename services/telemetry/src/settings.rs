//! What the `OTEL_*` variables ask for, read once through a lookup. Only headers, compression, sampler and span limits are
//! left to the SDK, which reads them itself.

use std::str::FromStr;
use std::time::Duration;

use opentelemetry_sdk::trace::{
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT, OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT, OTEL_BSP_SCHEDULE_DELAY_DEFAULT,
};

use crate::names::vars;
use crate::propagation::Propagation;

/// How variables are read; tests pass a table.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The settings of a process.
#[derive(Debug)]
pub struct Settings {
    /// Where spans go.
    pub export: Export,
    /// What travels between services.
    pub propagation: Propagation,
    /// How finished spans are gathered for export.
    pub batch: Batch,
    /// Settings that were ignored, to be logged once logs work. The OpenTelemetry specification wants an unknown value
    /// ignored with a warning, not refused.
    pub ignored: Vec<Ignored>,
}

/// How finished spans are gathered for export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// How many spans may wait; more are given up.
    pub queue: usize,
    /// How many spans are exported at once.
    pub size: usize,
    /// Longest wait for the next export.
    pub delay: Duration,
}

/// A setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// What it should have been.
    pub expected: &'static str,
}

/// Where spans go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Export {
    /// To an OTLP receiver.
    Otlp(Target),
    /// Nowhere: spans are made, and given up when they end.
    None,
    /// No spans are made at all.
    Disabled,
}

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

impl Settings {
    /// Reads the settings. An empty variable counts as unset, as the OpenTelemetry specification says.
    ///
    /// # Errors
    /// Spans can't be exported to the endpoint.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingsError> {
        let mut ignored = Vec::new();
        let export = export(lookup, &mut ignored)?;
        let propagation = propagators(lookup, &mut ignored);
        let queue =
            number(lookup, vars::BSP_MAX_QUEUE_SIZE, &mut ignored).unwrap_or(OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT);
        let size = number(lookup, vars::BSP_MAX_EXPORT_BATCH_SIZE, &mut ignored)
            .unwrap_or(OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT)
            .min(queue);
        let delay = number(lookup, vars::BSP_SCHEDULE_DELAY, &mut ignored)
            .map_or(OTEL_BSP_SCHEDULE_DELAY_DEFAULT, Duration::from_millis);
        Ok(Self {
            export,
            propagation,
            batch: Batch { queue, size, delay },
            ignored,
        })
    }
}

fn set(lookup: Lookup<'_>, variable: &str) -> Option<String> {
    lookup(variable)
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

/// The first of the variables that is set.
fn first(lookup: Lookup<'_>, variables: [&'static str; 2]) -> Option<(&'static str, String)> {
    variables
        .into_iter()
        .find_map(|variable| Some((variable, set(lookup, variable)?)))
}

fn export(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> Result<Export, SettingsError> {
    if set(lookup, vars::SDK_DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(Export::Disabled);
    }
    match set(lookup, vars::TRACES_EXPORTER).as_deref() {
        Some("none") => return Ok(Export::None),
        None | Some("otlp") => {}
        Some(other) => ignored.push(Ignored {
            variable: vars::TRACES_EXPORTER,
            value: other.to_owned(),
            expected: "`otlp` or `none`",
        }),
    }
    Ok(Export::Otlp(target(lookup, ignored)?))
}

fn target(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> Result<Target, SettingsError> {
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

fn propagators(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> Propagation {
    let Some(list) = set(lookup, vars::PROPAGATORS) else {
        return Propagation::new(true, true);
    };
    let (mut trace_context, mut baggage) = (false, false);
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "tracecontext" => trace_context = true,
            "baggage" => baggage = true,
            "none" => {}
            other => ignored.push(Ignored {
                variable: vars::PROPAGATORS,
                value: other.to_owned(),
                expected: "a list of `tracecontext`, `baggage` or `none`",
            }),
        }
    }
    Propagation::new(trace_context, baggage)
}

fn number<N>(lookup: Lookup<'_>, variable: &'static str, ignored: &mut Vec<Ignored>) -> Option<N>
where
    N: FromStr + PartialOrd + Default,
{
    let value = set(lookup, variable)?;
    match value.parse() {
        // Zero is never meant: no queue, no batch, no time, and a delay of zero makes the SDK spin.
        Ok(number) if number > N::default() => Some(number),
        _ => {
            ignored.push(Ignored {
                variable,
                value,
                expected: "a whole number above 0, without a unit",
            });
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(table: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(&|key| {
            table
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn target_of(table: &[(&str, &str)]) -> (Protocol, String) {
        match read(table).unwrap().export {
            Export::Otlp(target) => (target.protocol, target.endpoint),
            other => panic!("{other:?}"),
        }
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
        assert_eq!(target_of(table), (protocol, endpoint.to_owned()));
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

    #[test]
    fn export_can_be_switched_off_in_two_ways() {
        assert_eq!(
            read(&[("OTEL_TRACES_EXPORTER", "none")]).unwrap().export,
            Export::None
        );
        assert_eq!(
            read(&[("OTEL_SDK_DISABLED", "TRUE")]).unwrap().export,
            Export::Disabled
        );
        assert!(matches!(
            read(&[("OTEL_SDK_DISABLED", "1")]).unwrap().export,
            Export::Otlp(_)
        ));
    }

    #[rstest]
    #[case("OTEL_TRACES_EXPORTER", "zipkin")]
    #[case("OTEL_EXPORTER_OTLP_PROTOCOL", "http")]
    #[case("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "GRPC")]
    #[case("OTEL_PROPAGATORS", "b3")]
    #[case("OTEL_BSP_SCHEDULE_DELAY", "10ms")]
    #[case("OTEL_BSP_SCHEDULE_DELAY", "0")]
    #[case("OTEL_BSP_MAX_QUEUE_SIZE", "0")]
    #[case("OTEL_EXPORTER_OTLP_TIMEOUT", "-1")]
    fn says_which_setting_it_ignores(#[case] variable: &str, #[case] value: &str) {
        let ignored = read(&[(variable, value)]).unwrap().ignored;
        assert_eq!(ignored.len(), 1, "{ignored:?}");
        assert_eq!(
            (ignored[0].variable, ignored[0].value.as_str()),
            (variable, value)
        );
    }

    #[test]
    fn good_settings_are_ignored_in_no_part() {
        let table = [
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_PROPAGATORS", "tracecontext, baggage"),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ];
        let settings = read(&table).unwrap();
        assert_eq!(settings.ignored, []);
        assert_eq!(
            settings.batch,
            Batch {
                queue: 64,
                size: 8,
                delay: Duration::from_millis(10)
            }
        );
        assert!(
            matches!(settings.export, Export::Otlp(Target { timeout, .. }) if timeout.as_millis() == 500)
        );
    }
}
