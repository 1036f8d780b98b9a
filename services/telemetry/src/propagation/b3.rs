//! B3, the format of Zipkin, as <https://github.com/openzipkin/b3-propagation> describes it: in one header or in several.
//!
//! Written here because the one crate that has it, `opentelemetry-zipkin`, is deprecated and will be removed.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

const SINGLE: HeaderName = HeaderName::from_static("b3");
const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// The context that a request arrived with; `cx` itself when there is none. The single header comes first.
pub(super) fn extract(cx: Context, headers: &HeaderMap) -> Context {
    match single(headers).or_else(|| multi(headers)) {
        Some(parent) => cx.with_remote_span_context(parent),
        None => cx,
    }
}

/// `b3: {trace id}-{span id}-{sampled}`.
pub(super) fn inject_single(cx: &Context, headers: &mut HeaderMap) {
    if let Some(span) = valid(cx) {
        let value = format!("{}-{}-{}", span.trace_id(), span.span_id(), sampled(&span));
        put(headers, SINGLE, &value);
    }
}

/// `X-B3-TraceId`, `X-B3-SpanId` and `X-B3-Sampled`.
pub(super) fn inject_multi(cx: &Context, headers: &mut HeaderMap) {
    if let Some(span) = valid(cx) {
        put(headers, TRACE_ID, &span.trace_id().to_string());
        put(headers, SPAN_ID, &span.span_id().to_string());
        put(headers, SAMPLED, sampled(&span));
    }
}

fn valid(cx: &Context) -> Option<SpanContext> {
    Some(cx.span().span_context().clone()).filter(SpanContext::is_valid)
}

fn sampled(span: &SpanContext) -> &'static str {
    if span.is_sampled() { "1" } else { "0" }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Hex digits and dashes are always a header's value.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `{trace id}-{span id}[-{sampled}[-{parent span id}]]`; the short form `0` has no ids, so it is no parent.
fn single(headers: &HeaderMap) -> Option<SpanContext> {
    let value = text(headers, &SINGLE)?;
    let mut fields = value.split('-');
    let (trace_id, span_id) = (fields.next()?, fields.next()?);
    parent(trace_id, span_id, fields.next())
}

fn multi(headers: &HeaderMap) -> Option<SpanContext> {
    // The debug flag is a decision to sample, and says so alone.
    let debug = text(headers, &FLAGS).filter(|flags| *flags == "1").map(|_| "d");
    let state = debug.or_else(|| text(headers, &SAMPLED));
    parent(text(headers, &TRACE_ID)?, text(headers, &SPAN_ID)?, state)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn parent(trace_id: &str, span_id: &str, state: Option<&str>) -> Option<SpanContext> {
    let trace_id = hex(trace_id, &[16, 32]).and_then(|text| TraceId::from_hex(text).ok())?;
    let span_id = hex(span_id, &[16]).and_then(|text| SpanId::from_hex(text).ok())?;
    let flags = match state {
        Some("0" | "false") => TraceFlags::default(),
        // Nothing said means that the receiver decides. Samplers take the parent's word, so "undecided" has to be a yes.
        None | Some("1" | "true" | "d") => TraceFlags::SAMPLED,
        Some(_) => return None,
    };
    let parent = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    parent.is_valid().then_some(parent)
}

/// Lower-case hex digits of one of these lengths; a trace id of 16 is one of 32 with zeros before it.
fn hex<'t>(text: &'t str, lengths: &[usize]) -> Option<&'t str> {
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits && lengths.contains(&text.len())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    fn read(lines: &[(&'static str, &str)]) -> Option<(String, String, bool)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, value.parse().unwrap());
        }
        let span = valid(&extract(Context::new(), &headers))?;
        Some((
            span.trace_id().to_string(),
            span.span_id().to_string(),
            span.is_sampled(),
        ))
    }

    fn found(sampled: bool) -> Option<(String, String, bool)> {
        Some((TRACE.to_owned(), SPAN.to_owned(), sampled))
    }

    /// The examples of the specification.
    #[rstest]
    #[case(
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90",
        found(true)
    )]
    #[case("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1", found(true))]
    #[case("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d", found(true))]
    #[case("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0", found(false))]
    #[case("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1", found(true))]
    #[case("0", None)]
    #[case("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-x", None)]
    #[case("80f198ee-e457b5a2e4d86bd1-1", None)]
    #[case("00000000000000000000000000000000-e457b5a2e4d86bd1-1", None)]
    fn the_single_header_is_read(#[case] value: &str, #[case] expected: Option<(String, String, bool)>) {
        assert_eq!(read(&[("b3", value)]), expected);
    }

    #[test]
    fn the_headers_for_each_part_are_read() {
        let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
        assert_eq!(read(&ids), found(true));
        assert_eq!(read(&[ids[0], ids[1], ("x-b3-sampled", "0")]), found(false));
        let debug = [ids[0], ids[1], ("x-b3-sampled", "0"), ("x-b3-flags", "1")];
        assert_eq!(read(&debug), found(true));
        assert_eq!(read(&ids[..1]), None);
    }

    #[test]
    fn a_short_trace_id_has_zeros_before_it() {
        let short = read(&[("b3", "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1")]).unwrap();
        assert_eq!(short.0, "000000000000000064fe8b2a57d3eff7");
    }

    #[test]
    fn the_single_header_wins() {
        let other = "10f198ee56343ba864fe8b2a57d3eff7";
        let single = format!("{TRACE}-{SPAN}-1");
        let both = [
            ("x-b3-traceid", other),
            ("x-b3-spanid", SPAN),
            ("b3", single.as_str()),
        ];
        assert_eq!(read(&both), found(true));
    }

    #[test]
    fn what_is_written_is_read_again_in_both_forms() {
        for write in [inject_single, inject_multi] {
            for state in ["0", "1"] {
                let mut headers = HeaderMap::new();
                headers.insert(SINGLE, format!("{TRACE}-{SPAN}-{state}").parse().unwrap());
                let cx = extract(Context::new(), &headers);
                let mut written = HeaderMap::new();
                write(&cx, &mut written);
                let again = extract(Context::new(), &written);
                assert_eq!(valid(&again), valid(&cx));
            }
        }
        let mut written = HeaderMap::new();
        inject_single(&Context::new(), &mut written);
        assert_eq!(written.len(), 0);
    }
}
