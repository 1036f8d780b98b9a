//! What the `OTEL_*` variables ask for, read once through a lookup. Only headers, compression and span limits are left to
//! the SDK, which reads them itself.

mod target;

use std::str::FromStr;
use std::time::Duration;

use opentelemetry_sdk::trace::{
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT, OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT, OTEL_BSP_SCHEDULE_DELAY_DEFAULT,
};

use crate::names::vars;
use crate::propagation::{Format, Propagation};
use crate::sampling::{self, Choice};

pub use target::{Protocol, SettingsError, Target};

/// How variables are read; tests pass a table.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The settings of a process.
#[derive(Debug)]
pub struct Settings {
    /// Where spans go.
    pub export: Export,
    /// What travels between services.
    pub propagation: Propagation,
    /// Which spans are recorded.
    pub sampling: Choice,
    /// How finished spans are gathered for export.
    pub batch: Batch,
    /// How spans are made visible while they are open.
    pub open_spans: OpenSpans,
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

/// How spans are made visible while they are open. Off unless somebody debugs: each span's start waits for the receiver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OpenSpans {
    /// Not at all.
    #[default]
    Off,
    /// By a record with the span's own id, for a store that lets the finished span take its place.
    SameId,
    /// By a child of the open span, `NAME (open)`, for a store that keeps both, as Jaeger does.
    Child,
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

impl Settings {
    /// Reads the settings. An empty variable counts as unset, as the OpenTelemetry specification says.
    ///
    /// # Errors
    /// Spans can't be exported to the endpoint.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingsError> {
        let mut ignored = Vec::new();
        let export = export(lookup, &mut ignored)?;
        let propagation = propagators(lookup, &mut ignored);
        let sampling = sampling::read(lookup, &mut ignored);
        let queue =
            number(lookup, vars::BSP_MAX_QUEUE_SIZE, &mut ignored).unwrap_or(OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT);
        let size = number(lookup, vars::BSP_MAX_EXPORT_BATCH_SIZE, &mut ignored)
            .unwrap_or(OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT)
            .min(queue);
        let delay = number(lookup, vars::BSP_SCHEDULE_DELAY, &mut ignored)
            .map_or(OTEL_BSP_SCHEDULE_DELAY_DEFAULT, Duration::from_millis);
        let open_spans = open_spans(lookup, &mut ignored);
        Ok(Self {
            export,
            propagation,
            sampling,
            open_spans,
            batch: Batch { queue, size, delay },
            ignored,
        })
    }
}

/// A variable's value, if it has one.
pub(crate) fn set(lookup: Lookup<'_>, variable: &str) -> Option<String> {
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
    match set(lookup, vars::SDK_DISABLED) {
        Some(value) if value.eq_ignore_ascii_case("true") => return Ok(Export::Disabled),
        Some(value) if !value.eq_ignore_ascii_case("false") => ignored.push(Ignored {
            variable: vars::SDK_DISABLED,
            value,
            expected: "`true` or `false`",
        }),
        _ => {}
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
    Ok(Export::Otlp(target::target(lookup, ignored)?))
}

fn propagators(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> Propagation {
    let Some(list) = set(lookup, vars::PROPAGATORS) else {
        return Propagation::new(true, true);
    };
    let (mut formats, mut baggage, mut none) = (Vec::new(), false, false);
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match (Format::named(name), name) {
            (Some(format), _) => formats.push(format),
            (None, "baggage") => baggage = true,
            (None, "none") => none = true,
            (None, other) => ignored.push(Ignored {
                variable: vars::PROPAGATORS,
                value: other.to_owned(),
                expected: "a list of `tracecontext`, `baggage`, `b3`, `b3multi` or `none`",
            }),
        }
    }
    if !formats.is_empty() || baggage || none {
        Propagation::of(formats, baggage)
    } else {
        // Nothing in the list is known here, so the whole setting is ignored.
        Propagation::new(true, true)
    }
}

fn open_spans(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> OpenSpans {
    match set(lookup, vars::OPEN_SPANS).as_deref() {
        None | Some("off") => OpenSpans::Off,
        Some("same-id") => OpenSpans::SameId,
        Some("child") => OpenSpans::Child,
        Some(other) => {
            ignored.push(Ignored {
                variable: vars::OPEN_SPANS,
                value: other.to_owned(),
                expected: "`off`, `same-id` or `child`",
            });
            OpenSpans::Off
        }
    }
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
        for not_true in ["false", "1"] {
            let settings = read(&[("OTEL_SDK_DISABLED", not_true)]).unwrap();
            assert!(matches!(settings.export, Export::Otlp(_)), "{not_true}");
        }
    }

    #[rstest]
    #[case("OTEL_SDK_DISABLED", "1")]
    #[case("OTEL_TRACES_EXPORTER", "zipkin")]
    #[case("OTEL_EXPORTER_OTLP_PROTOCOL", "http")]
    #[case("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "GRPC")]
    #[case("OTEL_PROPAGATORS", "jaeger")]
    #[case("OTEL_TRACES_SAMPLER", "xray")]
    #[case("THROUGHLINE_OPEN_SPANS", "yes")]
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
            ("OTEL_PROPAGATORS", "tracecontext, baggage, b3, b3multi"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
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

    #[rstest]
    #[case("tracecontext", true, false)]
    #[case("baggage", false, true)]
    #[case("baggage,tracecontext,jaeger", true, true)]
    #[case("tracecontext,b3", true, false)]
    #[case("none", false, false)]
    #[case("b3", false, false)]
    #[case("b3multi,baggage", false, true)]
    #[case("jaeger", true, true)]
    fn chooses_propagators(#[case] list: &str, #[case] trace_context: bool, #[case] baggage: bool) {
        let propagation = read(&[("OTEL_PROPAGATORS", list)]).unwrap().propagation;
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let incoming = [("traceparent", traceparent), ("baggage", "tier=gold")];
        let incoming = incoming.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let mut outgoing = http::HeaderMap::new();
        propagation.inject(
            &propagation.extract(&incoming.into_iter().collect()),
            &mut outgoing,
        );
        assert_eq!(outgoing.contains_key("traceparent"), trace_context);
        assert_eq!(outgoing.contains_key("baggage"), baggage);
    }
}
