//! The load: gRPC messages of 512 spans with 8 attributes each, made once and given new ids for every request.

use clap::ValueEnum;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde::Serialize;

/// Spans in a request: what the SDK's batch processor sends at most unless told otherwise.
pub(crate) const SPANS: u64 = 512;

/// The attribute that is different on every span.
pub(crate) const UNIQUE: &str = "throughline.request.id";

/// How spans make traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// Every span is a trace of its own
    Own,
    /// Every request is one trace
    Request,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Own => "own",
            Self::Request => "request",
        })
    }
}

impl Shape {
    /// The trace of a span: the `span`-th of the `request`-th request.
    pub(crate) fn trace_id(self, request: u64, span: u64) -> [u8; 16] {
        let span = if self == Self::Own { span } else { 0 };
        let number = request * SPANS + span;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&scatter(number).to_be_bytes());
        // A bijection of the number in one half is enough to make ids their own.
        id[8..].copy_from_slice(&scatter(!number).to_be_bytes());
        id
    }

    /// How many spans a trace has.
    pub(crate) const fn spans_of_a_trace(self) -> u64 {
        match self {
            Self::Own => 1,
            Self::Request => SPANS,
        }
    }
}

/// The unique attribute of a span.
pub(crate) fn unique(request: u64, span: u64) -> String {
    let number = request * SPANS + span;
    format!("{:016x}{number:016x}", scatter(number))
}

/// A bijection that looks random (the finalizer of SplitMix64), so that ids are as hard to file as real ones.
const fn scatter(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A request that is filled with new ids again and again.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    shape: Shape,
    message: Vec<u8>,
    spots: Vec<Spots>,
}

/// Where a span's own bytes are in the message.
#[derive(Debug, Clone, Copy)]
struct Spots {
    trace: usize,
    span: usize,
    parent: Option<usize>,
    unique: usize,
}

impl Request {
    /// A gRPC message, prefix included.
    pub(crate) fn new(shape: Shape) -> Self {
        let mut spans = Vec::new();
        let mut spots = Vec::new();
        for number in 0..SPANS {
            let (span, places) = span(number, shape == Shape::Request && number > 0);
            let before = spans.len() + put(2, &span, &mut spans);
            spots.push(places.after(before));
        }
        let mut scope_spans = Vec::new();
        let mut scope = Vec::new();
        put(1, b"throughline-bench", &mut scope);
        put(1, &scope, &mut scope_spans);
        let mut before = scope_spans.len();
        scope_spans.append(&mut spans);
        let mut resource = Vec::new();
        for (key, value) in [
            ("service.name", "inventory-service"),
            ("service.version", "0.1.0"),
            ("service.instance.id", "inventory-service-5d7c9b9f6d-x2x4q"),
            ("deployment.environment.name", "debug"),
            ("telemetry.sdk.language", "rust"),
        ] {
            put(1, &attribute(key, &text(value)), &mut resource);
        }
        let mut resource_spans = Vec::new();
        put(1, &resource, &mut resource_spans);
        before += resource_spans.len();
        before += put(2, &scope_spans, &mut resource_spans);
        let mut body = Vec::new();
        before += put(1, &resource_spans, &mut body);
        // Not compressed, and the length.
        let mut message = vec![0];
        message.extend((body.len() as u32).to_be_bytes());
        before += message.len();
        message.append(&mut body);
        let spots = spots.into_iter().map(|spots| spots.after(before)).collect();
        Self {
            shape,
            message,
            spots,
        }
    }

    /// The message with the ids of a request.
    pub(crate) fn fill(&mut self, request: u64) -> &[u8] {
        for (spots, number) in self.spots.iter().zip(0..) {
            let mut write =
                |at: usize, bytes: &[u8]| self.message[at..at + bytes.len()].copy_from_slice(bytes);
            write(spots.trace, &self.shape.trace_id(request, number));
            write(spots.span, &span_id(request, number));
            if let Some(parent) = spots.parent {
                write(parent, &span_id(request, 0));
            }
            write(spots.unique, unique(request, number).as_bytes());
        }
        &self.message
    }
}

fn span_id(request: u64, span: u64) -> [u8; 8] {
    scatter((request * SPANS + span) << 8).to_be_bytes()
}

impl Spots {
    fn after(self, before: usize) -> Self {
        Self {
            trace: self.trace + before,
            span: self.span + before,
            parent: self.parent.map(|parent| parent + before),
            unique: self.unique + before,
        }
    }
}

fn span(number: u64, child: bool) -> (Vec<u8>, Spots) {
    let names = [
        "GET /api/check",
        "POST /api/orders",
        "create-order",
        "process_order",
        "POST /checkout",
    ];
    let mut span = Vec::new();
    let trace = put(1, &[0; 16], &mut span);
    let id = span.len() + put(2, &[0; 8], &mut span);
    let parent = child.then(|| span.len() + put(4, &[0; 8], &mut span));
    put(5, names[number as usize % names.len()].as_bytes(), &mut span);
    put_number(6, number % 3 + 1, &mut span);
    let start = 1_760_000_000_000_000_000 + number * 1_000_003;
    put_fixed64(7, start, &mut span);
    put_fixed64(8, start + 1_234_567 + number, &mut span);
    for (key, value) in [
        ("http.request.method", text("GET")),
        ("url.path", text("/api/check")),
        ("url.scheme", text("http")),
        ("http.response.status_code", integer(200)),
        ("server.address", text("inventory-service")),
        ("network.protocol.version", text("1.1")),
        ("client.address", text("10.244.0.17")),
    ] {
        put(9, &attribute(key, &value), &mut span);
    }
    let value = unique(0, 0);
    put(9, &attribute(UNIQUE, &text(&value)), &mut span);
    let unique = span.len() - value.len();
    (
        span,
        Spots {
            trace,
            span: id,
            parent,
            unique,
        },
    )
}

fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
    let mut attribute = Vec::new();
    put(1, key.as_bytes(), &mut attribute);
    put(2, value, &mut attribute);
    attribute
}

fn text(value: &str) -> Vec<u8> {
    let mut any = Vec::new();
    put(1, value.as_bytes(), &mut any);
    any
}

fn integer(value: u64) -> Vec<u8> {
    let mut any = Vec::new();
    put_number(3, value, &mut any);
    any
}

/// Appends a field of bytes, a text or a message; returns how many bytes come before the content.
fn put(number: u32, content: &[u8], message: &mut Vec<u8>) -> usize {
    let before = message.len();
    encode_key(number, WireType::LengthDelimited, message);
    encode_varint(content.len() as u64, message);
    let head = message.len() - before;
    message.extend_from_slice(content);
    head
}

fn put_number(number: u32, value: u64, message: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, message);
    encode_varint(value, message);
}

fn put_fixed64(number: u32, value: u64, message: &mut Vec<u8>) {
    encode_key(number, WireType::SixtyFourBit, message);
    message.extend(value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use embedded::store::{Query, SpanStore};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Shape::Own)]
    #[case(Shape::Request)]
    fn every_request_has_512_spans_of_its_own_with_8_attributes(#[case] shape: Shape) {
        let store = SpanStore::default();
        let mut request = Request::new(shape);
        let mut ids = HashSet::new();
        for number in 0..3 {
            let message = request.fill(number)[5..].to_vec();
            assert_eq!(store.insert_encoded(&message).unwrap().accepted, SPANS);
            let traces: HashSet<_> = (0..SPANS).map(|span| shape.trace_id(number, span)).collect();
            for id in traces {
                let trace = store.trace(id).unwrap();
                let spans: Vec<_> = trace[0]
                    .scope_spans
                    .iter()
                    .flat_map(|scope| &scope.spans)
                    .collect();
                assert_eq!(spans.len() as u64, shape.spans_of_a_trace());
                ids.extend(spans.iter().map(|span| span.span_id.clone()));
                assert!(spans.iter().all(|span| span.attributes.len() == 8));
            }
        }
        assert_eq!(ids.len() as u64, 3 * SPANS);
        let attributes = vec![(UNIQUE.to_owned(), unique(1, 7))];
        let found = store.search(&Query {
            attributes,
            limit: 9,
            ..Query::default()
        });
        assert_eq!(found, [shape.trace_id(1, 7)]);
    }
}
