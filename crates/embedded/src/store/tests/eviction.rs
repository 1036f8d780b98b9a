//! The store stays within its limits, and what it gives up for that is always the trace first seen earliest.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use rstest::rstest;

use super::super::*;
use super::{Span, of_service, span, spans};

/// What the store should hold: traces in the order in which each was first seen, with the names of their spans.
#[derive(Debug, Default)]
struct Model {
    traces: VecDeque<([u8; 16], Vec<String>)>,
}

impl Model {
    fn insert(&mut self, span: &Span) {
        let id = <[u8; 16]>::try_from(span.trace_id.as_slice()).unwrap();
        match self.traces.iter_mut().find(|(known, _)| *known == id) {
            Some((_, names)) => names.push(span.name.clone()),
            None => self.traces.push_back((id, vec![span.name.clone()])),
        }
    }

    fn spans(&self) -> usize {
        self.traces.iter().map(|(_, names)| names.len()).sum()
    }

    fn evict(&mut self, limits: &Limits) {
        while self.traces.len() > limits.traces || self.spans() > limits.spans {
            self.traces.pop_front();
        }
    }
}

/// Requests of spans of few traces: how many traces meet, and how often one comes back, is left to chance.
fn requests() -> impl Strategy<Value = Vec<Vec<(u8, u8)>>> {
    vec(vec((1u8..20, any::<u8>()), 0..12), 0..40)
}

fn names(store: &SpanStore, id: [u8; 16]) -> Vec<String> {
    spans(&store.trace(id).unwrap_or_default())
        .into_iter()
        .map(|span| span.name)
        .collect()
}

fn everything() -> Query {
    Query {
        limit: usize::MAX,
        ..Query::default()
    }
}

proptest! {
    #[test]
    fn holds_what_a_plain_model_of_it_holds(requests in requests(), traces in 1usize..12, most in 1usize..60) {
        let limits = Limits { traces, spans: most, ..Limits::default() };
        let store = SpanStore::new(limits);
        let mut model = Model::default();
        let (mut sent, mut number) = (0, 0);
        for request in requests {
            let request: Vec<Span> = request.into_iter().map(|(trace, name)| {
                number += 1;
                span(trace, (number % 255) as u8 + 1, &format!("{name} {number}"))
            }).collect();
            for span in &request {
                model.insert(span);
            }
            sent += request.len() as u64;
            store.insert(of_service("s", request)).unwrap();
            model.evict(&limits);

            let stats = store.stats();
            prop_assert_eq!((stats.traces, stats.spans), (model.traces.len(), model.spans()));
            prop_assert_eq!(stats.accepted_spans, sent);
            prop_assert_eq!(stats.evicted_spans + stats.spans as u64, sent);
            for (id, expected) in &model.traces {
                prop_assert_eq!(&names(&store, *id), expected);
            }
            let newest_first: Vec<[u8; 16]> = model.traces.iter().rev().map(|(id, _)| *id).collect();
            prop_assert_eq!(store.search(&everything()), newest_first);
        }
    }

    #[test]
    fn never_holds_more_bytes_than_it_may_and_counts_none_when_all_is_gone(
        requests in requests(), most in 0usize..8_000, services in 1usize..5,
    ) {
        let limits = Limits { bytes: most, ..Limits::default() };
        let store = SpanStore::new(limits);
        for (number, request) in requests.into_iter().enumerate() {
            let request = request.into_iter().map(|(trace, name)| span(trace, 1, &"x".repeat(name.into()))).collect();
            store.insert(of_service(&format!("service {}", number % services), request)).unwrap();
            prop_assert!(store.stats().bytes <= most, "{:?}", store.stats());
        }
        // One span that is larger than everything allowed pushes the others out and then itself.
        store.insert(of_service("s", vec![span(99, 1, &"x".repeat(9_000))])).unwrap();
        prop_assert_eq!((store.stats().traces, store.stats().spans, store.stats().bytes), (0, 0, 0));
    }
}

#[test]
fn a_trace_that_grows_keeps_its_place_in_the_order_of_eviction() {
    let store = SpanStore::new(Limits {
        traces: 2,
        ..Limits::default()
    });
    for trace in [1, 2, 1, 3] {
        store
            .insert(of_service("s", vec![span(trace, 1, "work")]))
            .unwrap();
    }
    assert!(
        store.trace([1; 16]).is_none(),
        "it was first seen first, however much came after"
    );
    assert_eq!(store.search(&everything()), [[3; 16], [2; 16]]);
    // A late span of an evicted trace begins a new, partial one.
    store.insert(of_service("s", vec![span(1, 2, "late")])).unwrap();
    assert_eq!(names(&store, [1; 16]), ["late"]);
}

#[test]
fn services_and_operations_outlive_their_traces() {
    let store = SpanStore::new(Limits {
        traces: 1,
        ..Limits::default()
    });
    store
        .insert(of_service("first", vec![span(1, 1, "early")]))
        .unwrap();
    store
        .insert(of_service("second", vec![span(2, 1, "later")]))
        .unwrap();
    assert_eq!(store.services(), ["first", "second"]);
    assert_eq!(
        store.operations("first"),
        [Operation {
            name: "early".to_owned(),
            kind: SpanKind::Unspecified
        }]
    );
    assert_eq!(store.operations("third"), []);
}

#[rstest]
#[case(Limits { operations: 2, ..Limits::default() })]
#[case(Limits { bytes: 16 * "sone".len() * 2, ..Limits::default() })]
fn the_list_of_operations_ends_where_it_must(#[case] limits: Limits) {
    let store = SpanStore::new(limits);
    for name in ["one", "two", "ten", "one"] {
        store.insert(of_service("s", vec![span(1, 1, name)])).unwrap();
    }
    let listed: Vec<String> = store
        .operations("s")
        .into_iter()
        .map(|operation| operation.name)
        .collect();
    assert_eq!(listed, ["one", "two"]);
    assert_eq!(store.stats().unlisted_operations, 1);
}

#[test]
fn resources_and_scopes_are_held_once_and_let_go_with_their_last_span() {
    let store = SpanStore::new(Limits {
        traces: 2,
        ..Limits::default()
    });
    let insert = |trace, service: &str| {
        store
            .insert(of_service(service, vec![span(trace, 1, "work")]))
            .unwrap();
        store.stats().bytes
    };
    let one = insert(1, "same");
    let two = insert(2, "same");
    assert!(
        two - one < one,
        "the second span shares the first one's resource: {one} and {two}"
    );
    insert(3, "another");
    insert(4, "same");
    assert_eq!(insert(5, "same"), two, "nothing is left of what was evicted");
}
