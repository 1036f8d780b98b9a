//! Readers and writers at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rstest::rstest;

use super::super::*;
use super::{Span, of_service, span, spans};

/// Spans that one insertion adds to a trace; a reader sees all or none of them.
const TOGETHER: u8 = 5;

#[rstest]
#[case::with_room_for_all(2_000)]
#[case::while_traces_are_evicted(50)]
fn readers_see_whole_insertions_and_what_was_acknowledged_while_others_write(#[case] traces: usize) {
    let store = SpanStore::new(Limits {
        traces,
        ..Limits::default()
    });
    let done = AtomicBool::new(false);
    let id = |writer: u8, number: u16| {
        let mut id = [writer; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        id
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (1..=3u8)
            .map(|writer| {
                let store = &store;
                scope.spawn(move || {
                    for number in 0..400 {
                        let of_trace = |part| Span {
                            trace_id: id(writer, number).to_vec(),
                            ..span(1, part, "work")
                        };
                        let batch = of_service("s", (1..=TOGETHER).map(of_trace).collect());
                        assert_eq!(store.insert(batch).unwrap().accepted, u64::from(TOGETHER));
                        match store.trace(id(writer, number)) {
                            Some(trace) => assert_eq!(spans(&trace).len(), usize::from(TOGETHER)),
                            None => assert!(traces < 1_200, "it was acknowledged and is not there"),
                        }
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let query = Query {
                    operation: Some("work".to_owned()),
                    limit: 20,
                    ..Query::default()
                };
                while !done.load(Ordering::Relaxed) {
                    for id in store.search(&query) {
                        // Evicted since it was found, or whole.
                        let spans = store.trace(id).map_or(0, |trace| spans(&trace).len());
                        assert!(spans == 0 || spans == usize::from(TOGETHER), "{spans} spans");
                    }
                    let stats = store.stats();
                    assert!(
                        stats.traces <= traces && stats.spans == stats.traces * usize::from(TOGETHER),
                        "{stats:?}"
                    );
                }
            });
        }
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    assert_eq!(store.stats().accepted_spans, 3 * 400 * u64::from(TOGETHER));
}

#[test]
fn what_a_reader_holds_does_not_count_and_does_not_change_what_is_evicted() {
    let store = SpanStore::new(Limits {
        traces: 1,
        ..Limits::default()
    });
    store.insert(of_service("s", vec![span(1, 1, "work")])).unwrap();
    let (before, held) = (store.stats().bytes, store.trace([1; 16]).unwrap());
    store.insert(of_service("s", vec![span(2, 1, "work")])).unwrap();
    assert_eq!((store.stats().traces, store.stats().bytes), (1, before));
    assert_eq!(spans(&held), [span(1, 1, "work")]);
}
