//! The tree made from a trace's spans: its order, its ancestors, copies, circles, and huge ones.

use std::time::{Duration, Instant};

use rstest::rstest;

use super::{Parent, Trace};
use crate::expect::{At, Expectation};
use crate::id::SpanId;
use crate::judge::judge;
use crate::render::{MermaidOptions, TextOptions, mermaid, path, text, waterfall};
use crate::shape::Shape;
use crate::span::{Span, SpanKind, UnixNanos, Value};
use crate::testing::Recording;

fn trace(recording: &Recording) -> Trace {
    recording.evidence().trace.expect("a recording has spans")
}

fn id(number: u32) -> SpanId {
    SpanId::from_bytes((u64::from(number) + 1).to_be_bytes()).expect("not zero")
}

#[test]
fn walks_depth_first_in_time_order() {
    let recording = Recording::checkout();
    let trace = trace(&recording);
    let tree = trace.tree(Some(recording.caller()));
    let walked: Vec<(usize, &str, bool)> = tree
        .walk()
        .map(|visit| (visit.depth, tree.span(visit.node).name.as_str(), visit.last))
        .collect();
    assert_eq!(
        walked,
        [
            (0, "POST /checkout", true),
            (1, "POST /api/orders", true),
            (2, "POST /api/orders", true),
            (3, "create-order", true),
            (4, "GET /api/check", false),
            (5, "GET /api/check", true),
            (4, "process_order", true),
        ]
    );
}

#[test]
fn knows_ancestors_the_nearest_first() {
    let recording = Recording::checkout();
    let trace = trace(&recording);
    let tree = trace.tree(Some(recording.caller()));
    let check = tree
        .find(recording.id_of(SpanKind::Server, "GET /api/check"))
        .expect("it is there");
    let above: Vec<&str> = tree
        .ancestors(check)
        .map(|above| tree.span(above).name.as_str())
        .collect();
    assert_eq!(
        above,
        [
            "GET /api/check",
            "create-order",
            "POST /api/orders",
            "POST /api/orders",
            "POST /checkout"
        ]
    );
    let served = tree
        .nearest(check, |span| span.kind == SpanKind::Server)
        .expect("order-service served it");
    assert_eq!(tree.span(served).name, "POST /api/orders");
    assert_eq!(tree.nearest(check, |span| span.kind == SpanKind::Producer), None);
}

#[test]
fn the_callers_span_is_a_parent_even_when_nobody_recorded_it() {
    let recording = Recording::checkout();
    let trace = trace(&recording);
    let known = trace.tree(Some(recording.caller()));
    let first = known.roots().next().expect("there is a root");
    assert_eq!(known.node(first).parent, Parent::Caller(recording.caller()));
    let unknown = trace.tree(None);
    assert_eq!(unknown.roots().count(), 0);
    assert_eq!(unknown.orphans().count(), 1);
}

#[test]
fn a_span_sent_again_is_one_span_and_a_different_one_with_its_id_is_two() {
    let recording = Recording::checkout();
    let mut spans = trace(&recording).spans().to_vec();
    // A NaN is not equal to itself, and still this is the same span.
    spans[0]
        .attributes
        .insert("n".to_owned(), Value::Double(f64::NAN));
    let copy = spans[0].clone();
    let different = Span {
        name: "another".to_owned(),
        ..spans[3].clone()
    };
    let id = different.span_id;
    spans.extend([copy, different]);
    let trace = Trace::new(recording.trace_id(), spans);
    let tree = trace.tree(Some(recording.caller()));
    assert_eq!((trace.spans().len(), tree.len(), tree.resent()), (9, 8, 1));
    assert_eq!(tree.conflicts(), [id]);
}

#[rstest]
#[case::itself(&[0], &[0])]
#[case::two(&[1, 0], &[0])]
#[case::three(&[1, 2, 0], &[0])]
#[case::tail_into_a_circle(&[1, 2, 1], &[1])]
#[case::two_circles(&[1, 0, 3, 2], &[0, 2])]
fn a_circle_of_parents_is_cut_at_its_earliest_span(#[case] parents: &[u32], #[case] cut: &[usize]) {
    let mut recording = Recording::new(1);
    let at = At::cluster("storefront");
    let ids: Vec<SpanId> = parents
        .iter()
        .map(|_| recording.span(None, &at, SpanKind::Internal, "work"))
        .collect();
    for (span, parent) in ids.iter().zip(parents) {
        let parent = ids[*parent as usize];
        recording.edit(*span, |span| span.parent = Some(parent));
    }
    let trace = trace(&recording);
    let tree = trace.tree(None);
    assert_eq!(tree.circles().map(|node| node.get()).collect::<Vec<_>>(), cut);
    assert_eq!(tree.walk().count(), parents.len());
}

/// A chain in which each span is the parent of the next one, or a fan of one parent with many children.
fn large(spans: u32, parent: impl Fn(u32) -> Option<u32>) -> Trace {
    let mut recording = Recording::new(1);
    let places = [At::cluster("a"), At::workstation("b")]
        .map(|at| recording.span(None, &at, SpanKind::Server, "serve"));
    let models = places.map(|id| {
        recording
            .spans()
            .iter()
            .find(|span| span.span_id == id)
            .expect("just added")
            .clone()
    });
    let spans = (0..spans).map(|number| {
        let start = UnixNanos(u64::from(number));
        Span {
            span_id: id(number),
            parent: parent(number).map(id),
            start,
            end: UnixNanos(start.0 + 1_000_000),
            ..models[number as usize % 2].clone()
        }
    });
    Trace::new(recording.trace_id(), spans.collect())
}

#[rstest]
#[case::chain(large(100_000, |number| number.checked_sub(1)))]
#[case::fan(large(20_000, |number| (number > 0).then_some(0)))]
#[case::one_circle(large(20_000, |number| Some((number + 1) % 20_000)))]
#[case::orphans(large(20_000, |number| Some(number + 1_000_000)))]
fn a_huge_trace_is_judged_and_drawn_without_overflow_and_in_time(#[case] trace: Trace) {
    let spans = trace.spans().len();
    let evidence = crate::Evidence {
        trace: Some(trace),
        ..Recording::new(1).evidence()
    };
    let expected = [
        Expectation::Path(vec![At::cluster("a"), At::workstation("b")]),
        Expectation::Connected,
        Expectation::NoStray,
        Expectation::NoError,
        Expectation::Count {
            select: crate::SpanSelector::service("a"),
            count: spans / 2,
        },
    ];
    let begin = Instant::now();
    let verdict = judge(&evidence, &expected);
    let took = begin.elapsed();
    // Unoptimised and beside other tests; an algorithm that is quadratic would take minutes.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(!verdict.to_string().is_empty());
    let trace = evidence.trace.as_ref().expect("just put there");
    assert!(path(trace).len() < 1000);
    assert!(text(&evidence, &TextOptions::default()).lines().count() < 1010);
    assert!(mermaid(&evidence, &MermaidOptions::default()).lines().count() < 200);
    assert_eq!(waterfall(&evidence, usize::MAX).sections[0].rows.len(), spans);
    assert_eq!(Shape::of(&evidence, &[]).lines().len(), spans);
}

#[test]
fn records_of_open_spans_are_shown_and_not_counted() {
    let whole = trace(&Recording::checkout());
    let mut spans = whole.spans().to_vec();
    let mut open = spans[0].clone();
    open.span_id = id(4_711);
    open.parent = Some(spans[0].span_id);
    open.name = "POST /checkout (open)".to_owned();
    open.attributes
        .insert(crate::names::PENDING.to_owned(), Value::Bool(true));
    spans.push(open.clone());
    let with = Trace::new(whole.id(), spans);
    let drawn = text(&with, &TextOptions::default());
    let line = drawn
        .lines()
        .find(|line| line.contains("(open)"))
        .expect("a line");
    assert!(line.ends_with("open"), "{drawn}");
    let rows = waterfall(&with, 100).sections.remove(0).rows;
    let row = rows.iter().find(|row| row.open).expect("an open row");
    assert!((row.offset + row.width - 1.0).abs() < 1e-9, "{row:?}");
    assert_eq!(with.finished(), Some(whole.clone()));
    assert_eq!(Trace::new(whole.id(), vec![open]).finished(), None);
}
