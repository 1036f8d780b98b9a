//! What must hold for every trace, not only for those somebody thought of.

mod garbage;
mod whole;

use proptest::prelude::*;

use crate::evidence::Evidence;
use crate::expect::{At, Expectation, SpanSelector};
use crate::id::{SpanId, TraceId};
use crate::judge::judge;
use crate::render::{MermaidOptions, TextOptions, mermaid, path, text, waterfall};
use crate::settle::{Decision, Limits, Progress, conclude, settle};
use crate::shape::Shape;
use crate::span::{Span, SpanKind, Status, UnixNanos};
use crate::testing::Recording;
use crate::tree::Trace;
use crate::verdict::Verdict;
use whole::{Whole, whole};

/// One thing broken in a whole trace.
#[derive(Debug, Clone, Copy)]
enum Break {
    Drop,
    CutParent,
    MakeRoot,
    OwnParent,
    ParentBelow,
    ChangeTraceId,
    LoseHeader,
    MoveSite,
    ForgetSite,
    OtherContent,
    TurnError,
}

const BREAKS: [Break; 11] = [
    Break::Drop,
    Break::CutParent,
    Break::MakeRoot,
    Break::OwnParent,
    Break::ParentBelow,
    Break::ChangeTraceId,
    Break::LoseHeader,
    Break::MoveSite,
    Break::ForgetSite,
    Break::OtherContent,
    Break::TurnError,
];

fn broken(mut recording: Recording, how: Break, which: usize) -> Recording {
    recording.accounts(recording.evidence().accounts);
    let which = which % recording.spans().len();
    let victim = recording.spans()[which].clone();
    let id = victim.span_id;
    let stranger = SpanId::from_bytes([0xee; 8]).expect("not zero");
    let below = recording.below(id);
    match how {
        Break::Drop => recording.drop_spans(|span| span.span_id == id),
        Break::CutParent => recording.edit(id, |span| span.parent = Some(stranger)),
        // The first span of a request without a parent is still one whole tree.
        Break::MakeRoot if which == 0 => recording.edit(id, |span| span.parent = Some(stranger)),
        Break::MakeRoot => recording.edit(id, |span| span.parent = None),
        Break::OwnParent => recording.edit(id, |span| span.parent = Some(id)),
        Break::ParentBelow => {
            let last = below[below.len() - 1];
            recording.edit(id, |span| span.parent = Some(last));
        }
        Break::ChangeTraceId => {
            let other = recording.other_trace_id(0);
            below
                .iter()
                .for_each(|&id| recording.edit(id, |span| span.trace_id = other));
        }
        Break::LoseHeader => recording.lose_header(id, 0),
        Break::MoveSite => recording.edit(id, |span| span.resource = whole::moved(span).into()),
        Break::ForgetSite => recording.edit(id, |span| {
            let mut resource = (*span.resource).clone();
            resource.site = None;
            span.resource = resource.into();
        }),
        Break::OtherContent => recording.push(Span {
            kind: SpanKind::Producer,
            ..victim
        }),
        // What failed on purpose does so no more; where nothing failed, something does.
        Break::TurnError => match recording
            .spans()
            .iter()
            .find(|span| span.status.is_error())
            .map(|span| span.span_id)
        {
            Some(failed) => recording.edit(failed, |span| span.status = Status::Unset),
            None => recording.fail(id, ""),
        },
    }
    recording
}

/// The same evidence, its spans delivered in another order.
fn shuffled(evidence: &Evidence, seed: u64) -> Evidence {
    let shuffle = |trace: &Trace| {
        let mut spans = trace.spans().to_vec();
        spans.sort_by_cached_key(|span| {
            let id = u64::from_be_bytes(*span.span_id.as_bytes());
            (id ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
        });
        Trace::new(trace.id(), spans)
    };
    let mut strays: Vec<Trace> = evidence.strays.iter().map(shuffle).collect();
    strays.reverse();
    Evidence {
        trace: evidence.trace.as_ref().map(shuffle),
        strays,
        ..evidence.clone()
    }
}

/// The same request at another time, with other ids.
fn again(whole: &Whole) -> Whole {
    let mut whole = whole.clone();
    whole.number += 7;
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_trace_always_passes(whole in whole()) {
        let verdict = judge(&whole.recording().evidence(), &whole.expected());
        prop_assert!(verdict.is_pass(), "{verdict}");
    }

    #[test]
    fn a_broken_trace_never_passes(whole in whole(), how in prop::sample::select(&BREAKS[..]), which in any::<usize>()) {
        let evidence = broken(whole.recording(), how, which).evidence();
        let verdict = judge(&evidence, &whole.expected());
        prop_assert!(!verdict.is_pass(), "{how:?} passed\n{}", text(&evidence, &TextOptions::default()));
        prop_assert!(!verdict.mismatches().is_empty());
    }

    #[test]
    fn a_copy_delivered_again_changes_nothing(whole in whole(), which in any::<usize>()) {
        let evidence = whole.recording().evidence();
        let Some(trace) = &evidence.trace else { return Ok(()) };
        let mut spans = trace.spans().to_vec();
        spans.push(spans[which % spans.len()].clone());
        let resent = Evidence { trace: Some(Trace::new(trace.id(), spans)), ..evidence };
        let verdict = judge(&resent, &whole.expected());
        prop_assert!(verdict.is_pass(), "{verdict}");
    }

    #[test]
    fn the_order_of_delivery_does_not_matter(
        whole in whole(), how in prop::sample::select(&BREAKS[..]), which in any::<usize>(), seed in any::<u64>(),
    ) {
        let evidence = broken(whole.recording(), how, which).evidence();
        let other = shuffled(&evidence, seed);
        prop_assert_eq!(judge(&evidence, &whole.expected()), judge(&other, &whole.expected()));
    }

    #[test]
    fn a_shape_is_the_same_in_every_run(whole in whole(), seed in any::<u64>(), late in 0u64..1_000_000) {
        let here = Shape::of(&whole.recording().evidence(), &["n"]);
        let there = shuffled(&again(&whole).recording().evidence(), seed);
        let trace = there.trace.as_ref().expect("it has spans");
        let moved = trace.spans().iter().cloned().map(|mut span| {
            // Siblings change places, as they do when a machine is slow.
            let id = u64::from_be_bytes(*span.span_id.as_bytes());
            span.start = UnixNanos(span.start.0 + late * (id % 3));
            span.end = UnixNanos(span.end.0 + late * (id % 3));
            span
        });
        let there = Evidence { trace: Some(Trace::new(trace.id(), moved.collect())), ..there.clone() };
        let there = Shape::of(&there, &["n"]);
        prop_assert_eq!(here.diff(&there), None);
    }

    #[test]
    fn a_broken_trace_has_another_shape(whole in whole(), how in prop::sample::select(&BREAKS[..]), which in any::<usize>()) {
        let here = Shape::of(&whole.recording().evidence(), &[]);
        let there = Shape::of(&broken(whole.recording(), how, which).evidence(), &[]);
        let diff = here.diff(&there);
        prop_assert!(diff.is_some_and(|diff| diff.lines().any(|line| line.starts_with(['+', '-']))), "{:?}", how);
    }

    #[test]
    fn nothing_that_arrives_makes_the_judge_panic(evidence in garbage::evidence(), expected in garbage::expected()) {
        let verdict = judge(&evidence, &expected);
        let undecided = matches!(verdict, Verdict::Inconclusive { .. });
        prop_assert!(!undecided);
        prop_assert!(!verdict.to_string().is_empty());
        prop_assert_eq!(verdict.is_pass(), verdict.mismatches().is_empty());
        prop_assert!(!verdict.is_pass() || !expected.is_empty());
        prop_assert!(serde_json::to_string(&evidence).is_ok());
    }

    #[test]
    fn a_tree_shows_every_span_exactly_once(evidence in garbage::evidence()) {
        let Some(trace) = &evidence.trace else { return Ok(()) };
        let tree = trace.tree(Some(evidence.caller_span));
        let mut seen: Vec<usize> = tree.walk().map(|visit| visit.node.get()).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..tree.len()).collect::<Vec<_>>());
        let delivered: usize = tree.nodes().map(|(_, node)| node.copies).sum();
        prop_assert_eq!(delivered, trace.spans().len());
        for visit in tree.walk() {
            prop_assert_eq!(tree.ancestors(visit.node).count(), visit.depth);
        }
    }

    #[test]
    fn drawings_show_every_span_exactly_once_whatever_it_is_called(
        evidence in garbage::evidence(), width in 0usize..200, rows in 0usize..12, steps in 0usize..20,
    ) {
        let trees = evidence.trace.iter().chain(&evidence.strays).map(|trace| trace.tree(Some(evidence.caller_span)));
        let spans: usize = trees.map(|tree| tree.len()).sum();

        let all = waterfall(&evidence, usize::MAX);
        prop_assert_eq!(all.sections.iter().map(|section| section.rows.len()).sum::<usize>(), spans);
        for row in all.sections.iter().flat_map(|section| &section.rows) {
            prop_assert!(row.offset >= 0.0 && row.width >= 0.0 && row.offset + row.width <= 1.0 + 1e-9, "{row:?}");
        }
        let some = waterfall(&evidence, rows);
        let shown: usize = some.sections.iter().map(|section| section.rows.len()).sum();
        prop_assert_eq!(shown + some.hidden, spans);

        let page = text(&evidence, &TextOptions { width, rows });
        prop_assert!(page.lines().all(|line| line.chars().count() <= width.max(40)), "{page}");
        let diagram = mermaid(&evidence, &MermaidOptions { steps, participants: steps });
        prop_assert!(diagram.starts_with("sequenceDiagram\n"));
        if let Some(trace) = &evidence.trace {
            prop_assert!(!path(trace).contains('\n'));
        }
    }

    #[test]
    fn a_text_tree_names_every_span_exactly_once(evidence in garbage::evidence()) {
        let mut number = 0;
        let mut named = |trace: &Trace| {
            let spans = trace.spans().iter().cloned().map(|mut span| {
                number += 1;
                span.name = format!("the-{number}-th-span");
                span
            });
            Trace::new(trace.id(), spans.collect())
        };
        let evidence = Evidence {
            trace: evidence.trace.as_ref().map(&mut named),
            strays: evidence.strays.iter().map(&mut named).collect(),
            ..evidence
        };
        let page = text(&evidence, &TextOptions { width: 300, rows: usize::MAX });
        for number in 1..=number {
            prop_assert_eq!(page.matches(&format!("the-{number}-th-span")).count(), 1, "{}", page);
        }
    }

    #[test]
    fn settling_ends_at_the_deadline_and_never_before_debts_are_paid(
        evidence in garbage::evidence(), expected in garbage::expected(), times in prop::collection::vec(0u64..20_000, 1..6),
    ) {
        let limits = Limits::default();
        let mut times = times;
        times.sort_unstable();
        let times: Vec<_> = times.into_iter().map(std::time::Duration::from_millis).collect();
        let mut progress = Progress::begin(times[0], evidence.clone());
        times[1..].iter().for_each(|&at| progress.observe(at, evidence.clone()));
        let decision = settle(&progress, &expected, &limits);
        let owing = evidence.accounts.iter().any(|account| account.owes() > 0);
        prop_assert!(!owing || !matches!(decision, Decision::Settled { .. }), "{decision:?}");
        prop_assert!(progress.elapsed() < limits.deadline || !matches!(decision, Decision::Wait { .. }), "{decision:?}");
        let verdict = conclude(&progress, &expected, &decision);
        prop_assert_eq!(
            matches!(verdict, Verdict::Inconclusive { .. }),
            !matches!(decision, Decision::Settled { .. })
        );
    }

    #[test]
    fn ids_survive_being_written_and_read(trace in any::<[u8; 16]>(), span in any::<[u8; 8]>()) {
        if let Ok(id) = TraceId::from_bytes(trace) {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
            prop_assert_eq!(id.to_string().trim_start_matches('0').parse(), Ok(id));
            prop_assert_eq!(serde_json::to_string(&id).and_then(|json| serde_json::from_str(&json)).ok(), Some(id));
        }
        if let Ok(id) = SpanId::from_bytes(span) {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().len(), 16);
        }
    }

    #[test]
    fn no_text_is_taken_for_an_id_unless_it_is_one(text in ".{0,40}") {
        let digits = !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = digits && text.bytes().any(|byte| byte != b'0');
        prop_assert_eq!(text.parse::<TraceId>().is_ok(), id);
    }
}

#[test]
fn the_walkthroughs_trace_broken_at_any_span_in_any_way_never_passes() {
    let whole = Recording::checkout();
    let mut expected = crate::judge::tests::whole();
    let elsewhere = ["storefront", "inventory-service"].map(At::workstation);
    expected.extend(elsewhere.map(|place| Expectation::Absent {
        select: SpanSelector::at(&place),
    }));
    expected.push(Expectation::Count {
        select: SpanSelector::default(),
        count: whole.spans().len(),
    });
    assert!(judge(&whole.evidence(), &expected).is_pass());
    for how in BREAKS {
        for which in 0..whole.spans().len() {
            let verdict = judge(&broken(whole.clone(), how, which).evidence(), &expected);
            assert!(!verdict.is_pass(), "{how:?} of span {which}: {verdict}");
        }
    }
}
