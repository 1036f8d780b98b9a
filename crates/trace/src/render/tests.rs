//! Traces, whole and broken, as text, as a sequence diagram, in one line and as a waterfall.

use rstest::rstest;

use super::{MermaidOptions, TextOptions, mermaid, path, text, waterfall};
use crate::expect::At;
use crate::id::SpanId;
use crate::names;
use crate::site::Site;
use crate::span::{SpanKind, UnixNanos};
use crate::testing::Recording;

/// Everything that can go wrong at once.
fn wreck() -> Recording {
    let mut recording = Recording::checkout();
    let create = recording.id_of(SpanKind::Internal, "create-order");
    recording.fail(create, "only 2 left of 'anvil'\nsorry");
    recording.lose_header(recording.id_of(SpanKind::Server, "GET /api/check"), 0);
    let stranger = SpanId::from_bytes([0xee; 8]).expect("not zero");
    recording.edit(recording.id_of(SpanKind::Internal, "process_order"), |span| {
        span.parent = Some(stranger);
    });
    let at = At {
        service: "odd; #one %% <b>".into(),
        site: None,
    };
    let circle = recording.span(None, &at, SpanKind::Internal, "end");
    recording.edit(circle, |span| span.parent = Some(circle));
    let call = recording.span(
        Some(create),
        &At::workstation("order-service"),
        SpanKind::Client,
        "GET /late",
    );
    recording.fail(call, "timeout after 2 s");
    recording
}

#[test]
fn a_whole_trace_as_text() {
    insta::assert_snapshot!(text(&Recording::checkout().evidence(), &TextOptions::default()), @"
    trace 4bf90000000000018000000000000001: 7 spans, 6.90 ms
    POST /checkout                 storefront@cluster         server    6.90 ms
    └─ POST /api/orders            storefront@cluster         client    5.80 ms
       └─ POST /api/orders         order-service@workstation  server    4.70 ms
          └─ create-order          order-service@workstation            3.60 ms
             ├─ GET /api/check     order-service@workstation  client    1.60 ms
             │  └─ GET /api/check  inventory-service@cluster  server     500 µs
             └─ process_order      order-service@workstation             500 µs
    ");
}

#[test]
fn a_wreck_as_text() {
    insta::assert_snapshot!(text(&wreck().evidence(), &TextOptions::default()), @"
    trace 4bf90000000000018000000000000001: 8 spans, 8.90 ms
    POST /checkout              storefront@cluster         server    8.90 ms
    └─ POST /api/orders         storefront@cluster         client    7.80 ms
       └─ POST /api/orders      order-service@workstation  server    6.70 ms
          └─ create-order       order-service@workstation            5.60 ms  ERROR only 2 left of 'anvil' sorry
             ├─ GET /api/check  order-service@workstation  client     500 µs
             └─ GET /late       order-service@workstation  client     500 µs  ERROR timeout after 2 s
    below a parent that is missing:
    process_order               order-service@workstation             500 µs  parent eeeeeeeeeeeeeeee
    among their own ancestors:
    end                         odd; #one %% <b>@?                    500 µs  circle through 8000000100000008

    stray trace 4bf80000000000018000000000000001: 1 span, 500 µs
    GET /api/check  inventory-service@cluster  server    500 µs
    ");
}

#[test]
fn a_wreck_as_text_in_a_narrow_terminal() {
    insta::assert_snapshot!(text(&wreck().evidence(), &TextOptions { width: 60, rows: 6 }), @"
    trace 4bf90000000000018000000000000001: 8 spans, 8.90 ms
    POST /checkout             storefront@cluster        8.90 ms
    └─ POST /api/orders        storefront@cluster        7.80 ms
       └─ POST /api/orders     order-service@workstati…  6.70 ms
          └─ create-order      order-service@workstati…  5.60 ms
          ERROR only 2 left of 'anvil' sorry
             ├─ GET /api/che…  order-service@workstati…   500 µs
             └─ GET /late      order-service@workstati…   500 µs
          ERROR timeout after 2 s

    stray trace 4bf80000000000018000000000000001: 1 span, 500 µs
    … 3 more spans not shown
    ");
}

#[test]
fn a_deep_chain_as_text_stays_within_its_width() {
    let mut recording = Recording::new(1);
    let at = At::cluster("a");
    let mut parent = recording.span(None, &at, SpanKind::Server, "top");
    for number in 0..14 {
        parent = recording.span(Some(parent), &at, SpanKind::Internal, &format!("work-{number}"));
    }
    insta::assert_snapshot!(text(&recording.evidence(), &TextOptions { width: 100, rows: 100 }), @"
    trace 4bf90000000000018000000000000001: 15 spans, 15.9 ms
    top                                              a@cluster  server    15.9 ms
    └─ work-0                                        a@cluster            14.8 ms
       └─ work-1                                     a@cluster            13.7 ms
          └─ work-2                                  a@cluster            12.6 ms
             └─ work-3                               a@cluster            11.5 ms
                └─ work-4                            a@cluster            10.4 ms
                   └─ work-5                         a@cluster            9.30 ms
                      └─ work-6                      a@cluster            8.20 ms
                         └─ work-7                   a@cluster            7.10 ms
                             ⋯ level 9: work-8       a@cluster            6.00 ms
                             ⋯ level 10: work-9      a@cluster            4.90 ms
                             ⋯ level 11: work-10     a@cluster            3.80 ms
                             ⋯ level 12: work-11     a@cluster            2.70 ms
                             ⋯ level 13: work-12     a@cluster            1.60 ms
                             ⋯ level 14: work-13     a@cluster             500 µs
    ");
}

#[test]
fn a_span_sent_twice_as_text() {
    let recording = Recording::checkout();
    let mut evidence = recording.evidence();
    let trace = evidence.trace.take().expect("it has spans");
    let mut spans = trace.spans().to_vec();
    spans.push(spans[2].clone());
    evidence.trace = Some(crate::Trace::new(trace.id(), spans));
    let page = text(&evidence, &TextOptions::default());
    assert_eq!(
        page.lines().filter(|line| line.ends_with("sent 2 times")).count(),
        1,
        "{page}"
    );
}

#[test]
fn nothing_as_text() {
    assert_eq!(
        text(&Recording::new(1).evidence(), &TextOptions::default()),
        "no span\n"
    );
}

#[test]
fn a_whole_trace_as_a_sequence_diagram() {
    let mut recording = Recording::checkout();
    recording.attribute(
        recording.id_of(SpanKind::Server, "POST /checkout"),
        names::HTTP_STATUS,
        201,
    );
    insta::assert_snapshot!(mermaid(&recording.evidence(), &MermaidOptions::default()), @"
    sequenceDiagram
        participant p0 as caller
        participant p1 as storefront@cluster
        participant p2 as order-service@workstation
        participant p3 as inventory-service@cluster
        p0->>+p1: POST /checkout
        p1->>+p2: POST /api/orders
        Note over p2: create-order (3.60 ms)
        p2->>+p3: GET /api/check
        p3-->>-p2: 500 µs
        Note over p2: process_order (500 µs)
        p2-->>-p1: 4.70 ms
        p1-->>-p0: 201 (6.90 ms)
    ");
}

#[test]
fn a_wreck_as_a_sequence_diagram() {
    insta::assert_snapshot!(mermaid(&wreck().evidence(), &MermaidOptions::default()), @"
    sequenceDiagram
        participant p0 as caller
        participant p1 as storefront@cluster
        participant p2 as order-service@workstation
        participant p3 as parent missing
        participant p4 as circle of parents
        participant p5 as odd#59; #35;one #37;#37; #60;b#62;@?
        participant p6 as other trace 4bf8…
        participant p7 as inventory-service@cluster
        p0->>+p1: POST /checkout
        p1->>+p2: POST /api/orders
        Note over p2: create-order: only 2 left of 'anvil' sorry (5.60 ms)
        Note over p2: GET /api/check (no span of whoever answered) (500 µs)
        Note over p2: GET /late: timeout after 2 s (500 µs)
        p2-->>-p1: 6.70 ms
        p1-->>-p0: 8.90 ms
        p3->>+p2: process_order
        p2-->>-p3: 500 µs
        p4->>+p5: end
        p5-->>-p4: 500 µs
        p6->>+p7: GET /api/check
        p7-->>-p6: 500 µs
    ");
}

#[test]
fn a_sequence_diagram_stays_small() {
    let options = MermaidOptions {
        steps: 2,
        participants: 3,
    };
    insta::assert_snapshot!(mermaid(&Recording::checkout().evidence(), &options), @"
    sequenceDiagram
        participant p0 as caller
        participant p1 as storefront@cluster
        participant p2 as order-service@workstation
        p0->>+p1: POST /checkout
        p1->>+p2: POST /api/orders
        p2-->>-p1: 4.70 ms
        p1-->>-p0: 6.90 ms
        Note over p0: 3 more steps not drawn
    ");
    insta::assert_snapshot!(mermaid(&Recording::new(1).evidence(), &options), @"
    sequenceDiagram
        participant p0 as no span
    ");
}

#[rstest]
#[case::workstation(
    Site::Workstation,
    "storefront@cluster → order-service@workstation → inventory-service@cluster"
)]
#[case::cluster(
    Site::Cluster,
    "storefront@cluster → order-service@cluster → inventory-service@cluster"
)]
fn a_trace_in_one_line(#[case] order: Site, #[case] line: &str) {
    let evidence = Recording::checkout_with(order).evidence();
    assert_eq!(path(&evidence), line);
    // The only parent that is missing is taken for the caller, when nobody tells who called.
    assert_eq!(path(evidence.trace.as_ref().expect("it has spans")), line);
}

#[test]
fn strays_orphans_and_circles_in_one_line() {
    insta::assert_snapshot!(path(&wreck().evidence()), @"storefront@cluster → order-service@workstation, and order-service@workstation below span eeeeeeeeeeeeeeee, which is missing, and odd; #one %% <b>@? in a circle through span 8000000100000008, and inventory-service@cluster under trace 4bf8…");
    insta::assert_snapshot!(path(&Recording::new(1).evidence()), @"no span");
}

#[test]
fn many_ways_and_long_ones_are_cut_short() {
    let mut recording = Recording::new(1);
    let root = At::cluster("root");
    let top = recording.span(None, &root, SpanKind::Server, "top");
    for number in 0..6 {
        recording.call(top, &root, &At::cluster(format!("leaf-{number}")), "call");
    }
    let trace = recording.evidence().trace.expect("it has spans");
    insta::assert_snapshot!(path(&trace), @"root@cluster → leaf-0@cluster, and root@cluster → leaf-1@cluster, and root@cluster → leaf-2@cluster, and root@cluster → leaf-3@cluster, and 2 more ways");

    let mut recording = Recording::new(1);
    let mut below = recording.span(None, &root, SpanKind::Server, "top");
    let mut from = root;
    for number in 0..20 {
        let to = At::cluster(format!("s{number}"));
        below = recording.call(below, &from, &to, "call");
        from = to;
    }
    let trace = recording.evidence().trace.expect("it has spans");
    insta::assert_snapshot!(path(&trace), @"root@cluster → s0@cluster → s1@cluster → s2@cluster → s3@cluster → s4@cluster → s5@cluster → … 12 more → s18@cluster → s19@cluster");
}

#[test]
fn a_waterfall_has_its_bars_where_the_time_was_spent() {
    let recording = Recording::checkout();
    let all = waterfall(&recording.evidence(), 100);
    let rows = &all.sections[0].rows;
    assert_eq!((rows[0].offset, rows[0].width), (0.0, 1.0));
    let row = rows
        .iter()
        .find(|row| row.name == "process_order")
        .expect("it is drawn");
    assert_eq!(row.after, std::time::Duration::from_millis(6));
    assert!((row.offset - 6.0 / 6.9).abs() < 1e-9, "{row:?}");
    assert!((row.width - 0.5 / 6.9).abs() < 1e-9, "{row:?}");
    assert_eq!(
        (row.depth, row.site, row.error.as_deref()),
        (4, Some(Site::Workstation), None)
    );
}

#[test]
fn a_stray_lies_on_the_same_axis_and_an_orphan_names_its_parent() {
    let all = waterfall(&wreck().evidence(), 100);
    assert_eq!(
        all.sections
            .iter()
            .map(|section| section.stray)
            .collect::<Vec<_>>(),
        [false, true]
    );
    assert!(all.sections[1].rows[0].offset > 0.5);
    let orphan = all.sections[0]
        .rows
        .iter()
        .find(|row| row.name == "process_order")
        .expect("it is drawn");
    assert_eq!(
        orphan.missing_parent.map(|id| id.to_string()).as_deref(),
        Some("eeeeeeeeeeeeeeee")
    );
    assert_eq!(all.sections[0].rows.iter().filter(|row| row.circle).count(), 1);
}

#[test]
fn spans_without_length_and_clocks_far_off_stay_on_the_axis() {
    let mut recording = Recording::checkout();
    recording.edit_service("inventory-service", |span| {
        (span.start, span.end) = (UnixNanos(0), UnixNanos(0));
    });
    let all = waterfall(&recording.evidence(), 100);
    assert!(
        all.sections[0]
            .rows
            .iter()
            .all(|row| row.offset + row.width <= 1.0 && row.width >= 0.0)
    );
    let mut instant = Recording::new(1);
    let id = instant.span(None, &At::cluster("a"), SpanKind::Server, "top");
    instant.edit(id, |span| span.end = span.start);
    let row = &waterfall(&instant.evidence(), 1).sections[0].rows[0];
    assert_eq!((row.offset, row.width), (0.0, 0.0));
}
