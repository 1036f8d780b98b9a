//! What travels between services: trace context and baggage by the configured propagators, and the correlation headers
//! that travel whatever happens to the trace context.

mod b3;
mod format;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use crate::correlation::Correlation;

pub use format::Format;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

/// The configured propagators, and the fault that leaves the trace context behind.
#[derive(Debug)]
pub struct Propagation {
    /// Read in this order, so that the last one that finds a context wins; written all.
    formats: Vec<Format>,
    baggage: Option<BaggagePropagator>,
    drop_trace_context: bool,
}

impl Propagation {
    /// W3C Trace Context and W3C Baggage, each if asked for.
    #[must_use]
    pub fn new(trace_context: bool, baggage: bool) -> Self {
        Self::of(
            trace_context
                .then_some(Format::TraceContext)
                .into_iter()
                .collect(),
            baggage,
        )
    }

    /// These formats, and W3C Baggage if asked for.
    #[must_use]
    pub fn of(formats: Vec<Format>, baggage: bool) -> Self {
        Self {
            formats,
            baggage: baggage.then(BaggagePropagator::new),
            drop_trace_context: false,
        }
    }

    /// The fault [`Fault::DropTraceparent`](crate::Fault::DropTraceparent): no traceparent and no tracestate on outgoing calls.
    #[must_use]
    pub fn dropping_trace_context(self) -> Self {
        Self {
            drop_trace_context: true,
            ..self
        }
    }

    /// The names of the propagators, as in `OTEL_PROPAGATORS`; `none` when there is none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let formats = self.formats.iter().map(|format| format.name());
        let names: Vec<&str> = formats.chain(self.baggage.as_ref().map(|_| BAGGAGE)).collect();
        let names = if names.is_empty() { vec!["none"] } else { names };
        names.into_iter().map(str::to_owned).collect()
    }

    /// The context that a request arrived with, correlation included.
    #[must_use]
    pub fn extract(&self, headers: &HeaderMap) -> Context {
        let carrier = Carrier::new(headers);
        // A new context, not the current one: what this process was doing is no parent of a request from outside.
        let mut cx = Context::new();
        for format in &self.formats {
            cx = match format {
                Format::TraceContext => TraceContextPropagator::new().extract_with_context(&cx, &carrier),
                // A reader of B3 takes both forms, whichever it writes (OpenTelemetry, Propagators API, B3 Extract).
                Format::B3 | Format::B3Multi => b3::extract(cx, headers),
            };
        }
        if let Some(propagator) = &self.baggage {
            cx = propagator.extract_with_context(&cx, &carrier);
            if let Some(header) = carrier.baggage {
                cx = cx.with_value(Arrived {
                    header,
                    read: cx.clone(),
                });
            }
        }
        cx.with_value(Correlation::from_headers(headers))
    }

    /// Puts a context and its correlation onto an outgoing request.
    pub fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        for format in self.formats.iter().filter(|_| !self.drop_trace_context) {
            match format {
                Format::TraceContext => {
                    TraceContextPropagator::new().inject_context(cx, &mut HeaderInjector(headers));
                    // The SDK writes an empty tracestate where there is none; W3C Trace Context 1 says not to send that.
                    if headers.get(TRACESTATE).is_some_and(|value| value.is_empty()) {
                        headers.remove(TRACESTATE);
                    }
                }
                Format::B3 => b3::inject_single(cx, headers),
                Format::B3Multi => b3::inject_multi(cx, headers),
            }
        }
        if let Some(propagator) = &self.baggage {
            match cx
                .get::<Arrived>()
                .and_then(|arrived| arrived.unchanged(cx.baggage()))
            {
                Some(header) => {
                    headers.insert(HeaderName::from_static(BAGGAGE), header);
                }
                None => propagator.inject_context(cx, &mut HeaderInjector(headers)),
            }
        }
        if let Some(correlation) = cx.get::<Correlation>() {
            correlation.inject(headers);
        }
    }
}

/// Baggage as it came. It goes out the same as long as nobody changes it: the SDK's propagator cuts a value at its second
/// `=` and shuffles the entries, and W3C Baggage asks for neither.
#[derive(Debug)]
struct Arrived {
    header: String,
    /// The context with what was read from it.
    read: Context,
}

impl Arrived {
    /// The header, if `now` is what was read from it.
    fn unchanged(&self, now: &Baggage) -> Option<HeaderValue> {
        let read = self.read.baggage();
        let same = read.len() == now.len()
            && now.iter().all(|(key, (value, metadata))| {
                read.get_with_metadata(key)
                    .is_some_and(|(v, m)| v == value && m == metadata)
            });
        same.then(|| HeaderValue::from_str(&self.header).ok()).flatten()
    }
}

/// The three headers of W3C Trace Context and W3C Baggage as the SDK's propagators want them.
///
/// Stricter than the SDK: a `traceparent` that comes twice or does not have the exact field lengths counts as none (the
/// SDK takes `00-1-2-01`), and a tracestate without a traceparent is not read. More complete: a list that was split over
/// several header lines is joined (RFC 9110, section 5.3), of which the SDK reads only the first.
struct Carrier {
    traceparent: Option<String>,
    tracestate: Option<String>,
    baggage: Option<String>,
}

impl Carrier {
    fn new(headers: &HeaderMap) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let traceparent = match (parents.next(), parents.next()) {
            (Some(only), None) => only.to_str().ok().map(str::trim).filter(|text| well_formed(text)),
            _ => None,
        };
        Self {
            traceparent: traceparent.map(str::to_owned),
            tracestate: traceparent.and_then(|_| joined(headers, TRACESTATE)),
            baggage: joined(headers, BAGGAGE),
        }
    }
}

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => self.traceparent.as_deref(),
            TRACESTATE => self.tracestate.as_deref(),
            BAGGAGE => self.baggage.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        [TRACEPARENT, TRACESTATE, BAGGAGE]
            .into_iter()
            .filter(|key| self.get(key).is_some())
            .collect()
    }
}

/// `version "-" trace-id "-" parent-id "-" trace-flags`, of 2, 32, 16 and 2 lower-case hex digits; a version after 00 may
/// have more fields (W3C Trace Context, section 3.2).
fn well_formed(traceparent: &str) -> bool {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut fields = traceparent.split('-');
    let mut next = || fields.next().unwrap_or_default();
    let (version, lengths) = (next(), [32, 16, 2]);
    hex(version, 2)
        && lengths.into_iter().all(|length| hex(next(), length))
        && (version != "00" || fields.next().is_none())
}

fn joined(headers: &HeaderMap, name: &'static str) -> Option<String> {
    let values = headers.get_all(HeaderName::from_static(name));
    let lines: Vec<&str> = values.iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::KeyValue;
    use opentelemetry::trace::TraceContextExt;
    use rstest::rstest;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// What goes out when a request with these headers is passed on without a span of our own.
    fn passed_on(propagation: &Propagation, lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut outgoing = HeaderMap::new();
        propagation.inject(&propagation.extract(&headers(lines)), &mut outgoing);
        outgoing
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn passes_trace_context_baggage_and_correlation_on() {
        let incoming = [
            ("traceparent", PARENT),
            ("tracestate", "vendor=1"),
            ("tracestate", "other=2"),
            ("baggage", "tier=gold"),
            ("x-request-id", "r-81"),
            ("x-debug", "me"),
        ];
        let outgoing = passed_on(&Propagation::new(true, true), &incoming);
        assert_eq!(text(&outgoing, "traceparent"), Some(PARENT));
        assert_eq!(text(&outgoing, "tracestate"), Some("vendor=1,other=2"));
        assert_eq!(text(&outgoing, "baggage"), Some("tier=gold"));
        assert_eq!(text(&outgoing, "x-request-id"), Some("r-81"));
        assert_eq!(text(&outgoing, "x-debug"), Some("me"));
    }

    #[test]
    fn joins_baggage_that_was_split_over_lines() {
        let cx = Propagation::new(true, true).extract(&headers(&[("baggage", "a=1"), ("baggage", "b=2")]));
        assert_eq!(cx.baggage().get("a").map(|value| value.as_str()), Some("1"));
        assert_eq!(cx.baggage().get("b").map(|value| value.as_str()), Some("2"));
    }

    #[test]
    fn baggage_goes_out_as_it_came() {
        let header = "b=x=y==,a=1;ttl=5;secret, c=%20caf%C3%A9";
        let outgoing = passed_on(&Propagation::new(true, true), &[("baggage", header)]);
        assert_eq!(text(&outgoing, "baggage"), Some(header));
    }

    #[test]
    fn baggage_that_was_changed_goes_out_changed() {
        let propagation = Propagation::new(true, true);
        let cx = propagation.extract(&headers(&[("baggage", "tier=gold")]));
        let mut outgoing = HeaderMap::new();
        propagation.inject(&cx.with_baggage([KeyValue::new("tier", "lead")]), &mut outgoing);
        assert_eq!(text(&outgoing, "baggage"), Some("tier=lead"));
    }

    #[test]
    fn sends_no_empty_tracestate() {
        let outgoing = passed_on(&Propagation::new(true, true), &[("traceparent", PARENT)]);
        assert_eq!(text(&outgoing, "tracestate"), None);
    }

    #[test]
    fn the_fault_drops_the_trace_context_and_nothing_else() {
        let propagation = Propagation::new(true, true).dropping_trace_context();
        let incoming = [
            ("traceparent", PARENT),
            ("tracestate", "vendor=1"),
            ("baggage", "tier=gold"),
            ("x-request-id", "r-81"),
        ];
        let outgoing = passed_on(&propagation, &incoming);
        assert_eq!(text(&outgoing, "traceparent"), None);
        assert_eq!(text(&outgoing, "tracestate"), None);
        assert_eq!(text(&outgoing, "baggage"), Some("tier=gold"));
        assert_eq!(text(&outgoing, "x-request-id"), Some("r-81"));
    }

    #[test]
    fn without_propagators_only_the_correlation_travels() {
        let incoming = [
            ("traceparent", PARENT),
            ("baggage", "tier=gold"),
            ("x-request-id", "r-81"),
        ];
        let outgoing = passed_on(&Propagation::new(false, false), &incoming);
        assert_eq!(
            outgoing.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-request-id"]
        );
    }

    #[test]
    fn who_writes_one_format_is_no_parent_for_who_reads_the_other() {
        let (w3c, b3) = (
            Propagation::new(true, false),
            Propagation::of(vec![Format::B3], false),
        );
        let cx = w3c.extract(&headers(&[("traceparent", PARENT)]));
        let mut outgoing = HeaderMap::new();
        b3.inject(&cx, &mut outgoing);
        assert_eq!(
            text(&outgoing, "b3"),
            Some("0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")
        );
        assert!(!w3c.extract(&outgoing).has_active_span());
        assert!(!b3.extract(&headers(&[("traceparent", PARENT)])).has_active_span());
        assert!(b3.extract(&outgoing).span().span_context().is_remote());
    }

    #[test]
    fn of_two_formats_both_are_written_and_the_last_one_that_is_there_is_read() {
        let both = Propagation::of(vec![Format::B3, Format::TraceContext], false);
        let b3 = "1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1";
        let trace = |lines: &[(&'static str, &str)]| {
            let trace_id = both.extract(&headers(lines)).span().span_context().trace_id();
            trace_id.to_string()[..4].to_owned()
        };
        assert_eq!(trace(&[("b3", b3), ("traceparent", PARENT)]), "0af7");
        assert_eq!(trace(&[("b3", b3)]), "1af7");
        let outgoing = passed_on(&both, &[("b3", b3)]);
        assert!(outgoing.contains_key("b3") && outgoing.contains_key("traceparent"));
    }

    #[test]
    fn the_names_of_propagators_are_those_of_the_variable() {
        let all = Propagation::of(vec![Format::B3Multi, Format::TraceContext], true);
        assert_eq!(all.names(), ["b3multi", "tracecontext", "baggage"]);
        assert_eq!(Propagation::new(false, false).names(), ["none"]);
    }

    #[rstest]
    #[case::short_ids("00-1-2-01")]
    #[case::upper_case("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    #[case::zero_trace_id("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    #[case::zero_span_id("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")]
    #[case::version_ff("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::surplus_in_version_00("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x")]
    #[case::no_flags("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")]
    #[case::not_hex("00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01")]
    #[case::empty("")]
    fn a_broken_traceparent_is_no_parent(#[case] traceparent: &str) {
        let incoming = headers(&[("traceparent", traceparent), ("tracestate", "vendor=1")]);
        let cx = Propagation::new(true, true).extract(&incoming);
        assert!(!cx.span().span_context().is_valid(), "{traceparent}");
    }

    #[test]
    fn two_traceparents_are_none() {
        let other = PARENT.replace("0af7", "1af7");
        let incoming = headers(&[("traceparent", PARENT), ("traceparent", &other)]);
        assert!(!Propagation::new(true, true).extract(&incoming).has_active_span());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = format!("cc-{}-what-the-future-will-be", &PARENT[3..]);
        let cx = Propagation::new(true, true).extract(&headers(&[("traceparent", &later)]));
        assert!(cx.span().span_context().is_valid() && cx.span().span_context().is_sampled());
    }
}
