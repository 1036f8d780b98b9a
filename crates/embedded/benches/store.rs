//! What one request of 512 spans costs the store alone, and what reading costs: `cargo bench -p embedded`.

use std::sync::atomic::{AtomicU64, Ordering};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use embedded::store::{Limits, Query, SpanStore};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message;

const SPANS: u64 = 512;

fn main() {
    divan::main();
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue {
        value: Some(Value::StringValue(value.to_owned())),
    };
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

/// An encoded request whose spans make so many traces, none of which was there before.
fn request(traces: u64) -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let request = NEXT.fetch_add(1, Ordering::Relaxed);
    let span = |number: u64| {
        let mut trace_id = vec![0; 16];
        trace_id[..8].copy_from_slice(&request.to_be_bytes());
        trace_id[8..].copy_from_slice(&(number % traces).to_be_bytes());
        let attributes =
            (0..8).map(|place| attribute(&format!("some.attribute.{place}"), "some value or other"));
        Span {
            trace_id,
            span_id: (number + 1).to_be_bytes().to_vec(),
            name: "GET /api/check".to_owned(),
            start_time_unix_nano: 1,
            end_time_unix_nano: 2,
            attributes: attributes.collect(),
            ..Span::default()
        }
    };
    let resource = Resource {
        attributes: vec![attribute("service.name", "bench")],
        ..Resource::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: (0..SPANS).map(span).collect(),
        ..ScopeSpans::default()
    }];
    let resource = Some(resource);
    TracesData {
        resource_spans: vec![ResourceSpans {
            resource,
            scope_spans,
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

/// A store that is full, so that every new trace evicts an old one.
fn full(traces: u64) -> SpanStore {
    let store = SpanStore::new(Limits {
        traces: 100_000,
        spans: 200_000,
        ..Limits::default()
    });
    while store.stats().evicted_traces == 0 {
        store
            .insert_encoded(&request(traces))
            .expect("the request is sound");
    }
    store
}

/// Insertion into a full store, by traces in a request.
#[divan::bench(args = [1, 32, 512])]
fn insert_and_evict(bencher: Bencher<'_, '_>, traces: u64) {
    let store = full(traces);
    bencher
        .counter(ItemsCount::new(SPANS))
        .with_inputs(|| request(traces))
        .bench_values(|request| store.insert_encoded(black_box(&request)));
}

/// One trace of 512 spans, decoded.
#[divan::bench]
fn trace(bencher: Bencher<'_, '_>) {
    let store = full(1);
    let newest = store.search(&Query {
        limit: 1,
        ..Query::default()
    })[0];
    bencher
        .counter(ItemsCount::new(SPANS))
        .bench(|| store.trace(black_box(newest)));
}

/// A search that finds nothing in 200,000 spans, by an attribute of the span.
#[divan::bench(sample_count = 10)]
fn search_everything(bencher: Bencher<'_, '_>) {
    let store = full(1);
    let attributes = vec![("some.attribute.7".to_owned(), "another value".to_owned())];
    let query = Query {
        attributes,
        limit: 1,
        ..Query::default()
    };
    bencher
        .counter(ItemsCount::new(store.stats().spans))
        .bench(|| store.search(black_box(&query)));
}
