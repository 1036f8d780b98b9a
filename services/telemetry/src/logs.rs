//! Logs: one line each on stderr, with the request and the trace that they belong to, filtered apart from spans.

use std::fmt;
use std::io::IsTerminal;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::correlation::Correlation;

/// The layer that writes lines to stderr, in colour only on a terminal.
pub fn layer<S>(filter: Targets) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        )
        .event_format(Line)
        .with_filter(filter)
}

/// A subscriber for the time before there is a tracer: warnings of everybody, nothing else.
#[must_use]
pub fn warnings() -> impl Subscriber + Send + Sync {
    Registry::default().with(layer(Targets::new().with_default(LevelFilter::WARN)))
}

/// The filter of `RUST_LOG`, by default `info`. The exporter's own messages stay off unless `RUST_LOG` names them: what
/// they say in every failing batch, the account says once.
///
/// # Errors
/// The text is no filter such as `info,order_service=debug`.
pub fn filter(rust_log: Option<&str>) -> Result<Targets, String> {
    let quiet = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("opentelemetry", LevelFilter::OFF);
    let Some(text) = rust_log.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(quiet);
    };
    let asked: Targets = text
        .parse()
        .map_err(|error| format!("RUST_LOG={text}: {error}"))?;
    let default = asked.default_level().unwrap_or(LevelFilter::OFF);
    Ok(quiet.with_default(default).with_targets(asked))
}

/// `2026-11-23T02:27:36.489041Z  INFO order_service: message field=value request=r-81 trace=4bf9…`
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, cx: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (metadata, colour) = (event.metadata(), out.has_ansi_escapes());
        write!(out, "{:.6} ", jiff::Timestamp::now())?;
        let (on, off) = if colour {
            (colour_of(*metadata.level()), "\u{1b}[0m")
        } else {
            ("", "")
        };
        write!(out, "{on}{:>5}{off} {}: ", metadata.level(), metadata.target())?;
        cx.field_format().format_fields(out.by_ref(), event)?;
        // The bridge has attached the context of the span that the event is in.
        Context::map_current(|cx| {
            if let Some(correlation) = cx.get::<Correlation>() {
                write!(out, " request={}", correlation.request_id)?;
            }
            if cx.has_active_span() {
                write!(out, " trace={}", cx.span().span_context().trace_id())?;
            }
            Ok(())
        })?;
        writeln!(out)
    }
}

const fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        _ => "\u{1b}[34m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::default(None, "order_service", Level::INFO, true)]
    #[case::default_is_not_debug(None, "order_service", Level::DEBUG, false)]
    #[case::exporter_is_quiet(None, "opentelemetry_sdk", Level::ERROR, false)]
    #[case::exporter_stays_quiet(Some("debug"), "opentelemetry-otlp", Level::ERROR, false)]
    #[case::exporter_when_named(Some("warn,opentelemetry=debug"), "opentelemetry-otlp", Level::DEBUG, true)]
    #[case::default_of_rust_log(Some("warn"), "order_service", Level::INFO, false)]
    #[case::target(Some("warn,order_service=debug"), "order_service", Level::DEBUG, true)]
    #[case::only_a_target(Some("order_service=debug"), "telemetry", Level::ERROR, false)]
    #[case::empty(Some(""), "order_service", Level::INFO, true)]
    fn lets_through(
        #[case] rust_log: Option<&str>,
        #[case] target: &str,
        #[case] level: Level,
        #[case] enabled: bool,
    ) {
        assert_eq!(filter(rust_log).unwrap().would_enable(target, &level), enabled);
    }

    #[test]
    fn refuses_what_is_no_filter() {
        assert!(filter(Some("order_service=loud")).is_err());
    }
}
