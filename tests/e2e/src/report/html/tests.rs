use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use testbed::event::Counts;
use trace::render::{self, MermaidOptions, TextOptions};
use trace::testing::Recording;
use trace::{At, Evidence, Expectation, SpanKind, Trace, Verdict, judge};

use super::page;
use crate::proof::Proof;
use crate::report::model::{
    CaseReport, CollectedFile, Outcome, PictureReport, RequestReport, RunReport, ScenarioReport, StepReport,
    TwinReport, UndoLine,
};

fn expected() -> Vec<Expectation> {
    let path = vec![
        At::cluster("storefront"),
        At::workstation("order-service"),
        At::cluster("inventory-service"),
    ];
    vec![
        Expectation::Path(path),
        Expectation::Connected,
        Expectation::NoStray,
    ]
}

fn case(label: &str, recording: &Recording) -> CaseReport {
    let evidence = recording.evidence();
    CaseReport {
        label: label.to_owned(),
        verdict: judge(&evidence, &expected()),
        waited_ms: 12.0,
        picture: Some(picture(&evidence)),
        request: Some(RequestReport {
            request_id: evidence.request_id,
            trace_id: evidence.trace_id,
            answer: evidence.answer,
            accounts: evidence.accounts,
        }),
    }
}

fn picture(evidence: &Evidence) -> PictureReport {
    PictureReport {
        traces: evidence
            .trace
            .iter()
            .chain(&evidence.strays)
            .map(Trace::id)
            .collect(),
        jaeger_url: format!("http://127.0.0.1:16686/trace/{}", evidence.trace_id),
        path: render::path(evidence),
        text: render::text(evidence, &TextOptions::default()),
        mermaid: render::mermaid(evidence, &MermaidOptions::default()),
        waterfall: render::waterfall(evidence, 200),
        file: PathBuf::from("traces").join(&evidence.trace_id.to_string()[..8]),
    }
}

fn scenario(name: &str, outcome: Outcome, cases: Vec<CaseReport>) -> ScenarioReport {
    ScenarioReport {
        name: name.to_owned(),
        about: "storefront@cluster → order-service@workstation → inventory-service@cluster, one trace"
            .to_owned(),
        twin: name.split_once('/').map(|_| TwinReport {
            of: "intercepted_order_is_one_trace",
            fault: "the intercept path removes traceparent".to_owned(),
            must_be_judged: "Fail, caused by HeaderLost".to_owned(),
        }),
        round: 1,
        outcome,
        verdict: cases.first().map(|case| case.verdict.clone()),
        error: None,
        proofs: vec![Proof {
            claim: "requests are answered by the workstation's process, pid 42".to_owned(),
            answered_by: "order-service@workstation, pid 42".to_owned(),
            nonces: vec!["n-1".to_owned(), "n-2".to_owned(), "n-3".to_owned()],
        }],
        cases,
        took_ms: 85.0,
    }
}

fn lost_header() -> Recording {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /api/orders"), 0);
    recording
}

fn run(scenarios: Vec<ScenarioReport>, counts: Counts) -> RunReport {
    RunReport {
        run: "7f3a".to_owned(),
        cannot_prove: Some("nothing here proves Kubernetes or Telepresence: use --env kind".to_owned()),
        started_at: "2026-11-23T03:19:41.588574101Z".to_owned(),
        took_ms: 8000.0,
        counts,
        scenarios,
        exit_code: if counts.failed > 0 { 10 } else { 0 },
        exit_meaning: if counts.failed > 0 {
            "expectation failed"
        } else {
            "passed"
        },
        logs: vec!["order-service@workstation.log".into()],
        collected: vec![CollectedFile {
            what: "stored spans".to_owned(),
            path: "evidence/spans.jsonl".into(),
        }],
        steps: vec![StepReport {
            name: "otlp receiver".to_owned(),
            took_ms: 3.0,
            error: None,
            detail: Some("http://127.0.0.1:4317".to_owned()),
        }],
        undo: vec![UndoLine {
            name: "otlp receiver".to_owned(),
            error: None,
        }],
        ..RunReport::empty()
    }
}

/// What is read aloud: the text without tags and style, a line for each element that begins a line.
fn read(page: &str) -> String {
    let body = page.split_once("<body>").map_or(page, |(_, body)| body);
    let mut text = String::new();
    for piece in body.split('<').skip(1) {
        let (tag, words) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        let begins = [
            "p",
            "h1",
            "h2",
            "h3",
            "h4",
            "li",
            "tr",
            "dt",
            "summary",
            "pre",
            "figcaption",
            "header",
            "section",
            "article",
        ];
        if begins.contains(&name) {
            text.push('\n');
        }
        if ["td", "th", "dd", "code", "span"].contains(&name) {
            text.push(' ');
        }
        text.push_str(words);
    }
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let begin = format!(" {name}=\"");
    page.split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn a_run_as_expected_says_so_first_and_what_it_does_not_prove_next() {
    let counts = Counts {
        passed: 2,
        ..Counts::default()
    };
    let whole = scenario(
        "intercepted_order_is_one_trace",
        Outcome::Passed,
        vec![case("order", &Recording::checkout())],
    );
    let twin = "intercepted_order_is_one_trace/propagation_stripped_on_the_way";
    let twin = scenario(twin, Outcome::Passed, vec![case("order", &lost_header())]);
    let page = page(&run(vec![whole, twin], counts));
    insta::assert_snapshot!(read(&page), @"
    Skip to the scenarios
    Throughline
    ✓ 2 of 2 as expected
    run 7f3a
    environment embedded
    began 2026-11-23 03:19:41 UTC
    took 8.00 s
    exit code 0 (passed)
    Not proven here: Kubernetes or Telepresence: use --env kind
    2 as expected
    1 scenario, 1 twin
    cluster workstation unknown site error
    Overview
    Outcome Scenario or twin Time
    ✓ as expected intercepted order is one trace 85.0 ms
    ✓ as expected propagation stripped on the way judged fail: the traceparent header was lost between storefront and order-service 85.0 ms
    Scenarios
    A twin is its scenario with one thing broken on purpose. It is as expected when the judge says so.
    ✓ intercepted order is one trace as expected, 85.0 ms
    storefront@cluster → order-service@workstation → inventory-service@cluster, one trace
    Proven with nonces: 1 claim
    requests are answered by the workstation's process, pid 42: order-service@workstation, pid 42 answered n-1, n-2, n-3
    order judged pass after 12.0 ms. Request r-81 was answered 201
    Shown: 3 facts
    storefront@cluster → order-service@workstation → inventory-service@cluster
    one tree of 7 spans under trace 4bf90000000000018000000000000001
    no other trace of request r-81
    storefront@cluster → order-service@workstation → inventory-service@cluster
    Span 0 1.73 ms 3.45 ms 5.17 ms 6.90 ms Took
    storefront@cluster POST /checkout server after 0 ns 6.90 ms
    POST /api/orders client after 1.00 ms 5.80 ms
    order-service@workstation POST /api/orders server after 2.00 ms 4.70 ms
    create-order after 3.00 ms 3.60 ms
    GET /api/check client after 4.00 ms 1.60 ms
    inventory-service@cluster GET /api/check server after 5.00 ms 500 µs
    process_order after 6.00 ms 500 µs
    As text, as Mermaid, in Jaeger
    trace 4bf90000000000018000000000000001: 7 spans, 6.90 ms
    POST /checkout storefront@cluster server 6.90 ms
    └─ POST /api/orders storefront@cluster client 5.80 ms
    └─ POST /api/orders order-service@workstation server 4.70 ms
    └─ create-order order-service@workstation 3.60 ms
    ├─ GET /api/check order-service@workstation client 1.60 ms
    │ └─ GET /api/check inventory-service@cluster server 500 µs
    └─ process_order order-service@workstation 500 µs
    sequenceDiagram
    participant p0 as caller
    participant p1 as storefront@cluster
    participant p2 as order-service@workstation
    participant p3 as inventory-service@cluster
    p0-&gt;&gt;+p1: POST /checkout
    p1-&gt;&gt;+p2: POST /api/orders
    Note over p2: create-order (3.60 ms)
    p2-&gt;&gt;+p3: GET /api/check
    p3--&gt;&gt;-p2: 500 µs
    Note over p2: process_order (500 µs)
    p2--&gt;&gt;-p1: 4.70 ms
    p1--&gt;&gt;-p0: 6.90 ms
    Files: text, Mermaid. While the environment is up: trace 4bf90000000000018000000000000001
    ✓ twin propagation stripped on the way as expected, 85.0 ms
    Broken on purpose: the intercept path removes traceparent. Must be judged fail, caused by header lost.
    Proven with nonces: 1 claim
    requests are answered by the workstation's process, pid 42: order-service@workstation, pid 42 answered n-1, n-2, n-3
    order judged fail after 12.0 ms. Request r-81 was answered 201
    expected storefront@cluster → order-service@workstation → inventory-service@cluster
    found storefront@cluster, and order-service@workstation → inventory-service@cluster under trace 4bf8…
    cause the traceparent header was lost between storefront and order-service (request r-81)
    1 more for the same cause
    expected no other trace of request r-81
    found order-service@workstation → inventory-service@cluster under trace 4bf8…
    Span 0 1.68 ms 3.35 ms 5.03 ms 6.70 ms Took
    storefront@cluster POST /checkout server after 0 ns 1.60 ms
    POST /api/orders client ◂ here after 1.00 ms 500 µs
    Stray trace 4bf8…, the same request
    order-service@workstation POST /api/orders server ◂ here after 2.00 ms 4.70 ms
    create-order after 3.00 ms 3.60 ms
    GET /api/check client after 4.00 ms 1.60 ms
    inventory-service@cluster GET /api/check server after 5.00 ms 500 µs
    process_order after 6.00 ms 500 µs
    As text, as Mermaid, in Jaeger
    trace 4bf90000000000018000000000000001: 2 spans, 1.60 ms
    POST /checkout storefront@cluster server 1.60 ms
    └─ POST /api/orders storefront@cluster client 500 µs
    stray trace 4bf80000000000018000000000000001: 5 spans, 4.70 ms
    POST /api/orders order-service@workstation server 4.70 ms
    └─ create-order order-service@workstation 3.60 ms
    ├─ GET /api/check order-service@workstation client 1.60 ms
    │ └─ GET /api/check inventory-service@cluster server 500 µs
    └─ process_order order-service@workstation 500 µs
    sequenceDiagram
    participant p0 as caller
    participant p1 as storefront@cluster
    participant p2 as other trace 4bf8…
    participant p3 as order-service@workstation
    participant p4 as inventory-service@cluster
    p0-&gt;&gt;+p1: POST /checkout
    Note over p1: POST /api/orders (no span of whoever answered) (500 µs)
    p1--&gt;&gt;-p0: 1.60 ms
    p2-&gt;&gt;+p3: POST /api/orders
    Note over p3: create-order (3.60 ms)
    p3-&gt;&gt;+p4: GET /api/check
    p4--&gt;&gt;-p3: 500 µs
    Note over p3: process_order (500 µs)
    p3--&gt;&gt;-p2: 4.70 ms
    Files: text, Mermaid. While the environment is up: trace 4bf90000000000018000000000000001
    What the processes say of their spans
    Process Version Started Delivered Given up Pending Exporter
    inventory-service@cluster pid 4711 0.1.0 1 1 0 0 http://127.0.0.1:4317
    order-service@workstation pid 4711 local-debug 4 4 0 0 http://127.0.0.1:4317
    storefront@cluster pid 4711 0.1.0 2 2 0 0 http://127.0.0.1:4317
    Logs and evidence
    order-service@workstation.log
    stored spans
    Steps
    1 step, 0 failed
    Step Took Result
    ✓ otlp receiver 3.00 ms http://127.0.0.1:4317
    Undone
    ✓ otlp receiver
    Run 7f3a, written when it was over. The same as data: report.json.
    ");
}

#[test]
fn a_run_not_as_expected_tells_the_one_cause_of_many_failures_once() {
    let counts = Counts {
        failed: 2,
        ..Counts::default()
    };
    let scenarios = ["intercepted_order_is_one_trace", "leaving_gives_the_traffic_back"];
    let failed = scenarios.map(|name| scenario(name, Outcome::Failed, vec![case("order", &lost_header())]));
    let page = read(&page(&run(failed.into(), counts)));
    let (top, _) = page.split_once("Overview").expect("the overview follows");
    insta::assert_snapshot!(top, @"
    Skip to the scenarios
    Throughline
    ✗ 2 of 2 not as expected
    run 7f3a
    environment embedded
    began 2026-11-23 03:19:41 UTC
    took 8.00 s
    exit code 10 (expectation failed)
    Not proven here: Kubernetes or Telepresence: use --env kind
    0 as expected
    2 not as expected
    2 scenarios, no twin
    cluster workstation unknown site error
    What to look at
    the traceparent header was lost between storefront and order-service
    expected storefront@cluster → order-service@workstation → inventory-service@cluster
    found storefront@cluster, and order-service@workstation → inventory-service@cluster under trace 4bf8…
    ✗ intercepted order is one trace
    ✗ leaving gives the traffic back
    ");
}

#[test]
fn what_was_not_played_to_its_end_is_told_with_its_error() {
    let mut broken = scenario("baseline_stays_in_the_cluster", Outcome::Failed, Vec::new());
    broken.error = Some("order-service@cluster died before it was ready".to_owned());
    let skipped = Outcome::Skipped {
        reason: "the embedded environment can't break the path".to_owned(),
    };
    let open = Verdict::Inconclusive {
        waited: Duration::from_secs(10),
        last: "3 spans of b@cluster not yet delivered".to_owned(),
    };
    let mut inconclusive = scenario(
        "debug_spans_are_found_by_version",
        Outcome::Inconclusive,
        Vec::new(),
    );
    inconclusive.verdict = Some(open);
    let mut report = run(
        vec![
            broken,
            scenario("leaving_gives_the_traffic_back", skipped, Vec::new()),
            inconclusive,
        ],
        Counts {
            failed: 1,
            inconclusive: 1,
            skipped: 1,
            ..Counts::default()
        },
    );
    report.undo.push(UndoLine {
        name: "kind cluster".to_owned(),
        error: Some("timed out".to_owned()),
    });
    let page = read(&page(&report));
    for told in [
        "2 of 2 not as expected",
        "died before it was ready",
        "Skipped: the embedded environment can't break the path",
        "3 spans of b@cluster not yet delivered",
        "not undone: kind cluster: timed out",
    ] {
        assert!(page.contains(told), "{told} is not in\n{page}");
    }
}

#[test]
fn an_empty_run_is_not_a_green_one() {
    let page = read(&page(&RunReport::empty()));
    assert!(page.contains("nothing was played"), "{page}");
    assert!(!page.contains('✓'), "{page}");
}

#[test]
fn the_page_loads_nothing_runs_nothing_and_its_links_lead_somewhere() {
    let twin = "intercepted_order_is_one_trace/propagation_stripped_on_the_way";
    let scenarios = vec![
        scenario(
            "intercepted_order_is_one_trace",
            Outcome::Passed,
            vec![case("order", &Recording::checkout())],
        ),
        scenario(twin, Outcome::Failed, vec![case("order", &lost_header())]),
    ];
    let page = page(&run(
        scenarios,
        Counts {
            passed: 1,
            failed: 1,
            ..Counts::default()
        },
    ));
    for forbidden in [
        "<script",
        "<img",
        "<link",
        "<iframe",
        "@import",
        "url(",
        "javascript:",
        " src=",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let ids = attributes(&page, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for link in attributes(&page, "href") {
        let leads = link.strip_prefix('#').is_none_or(|id| unique.contains(id));
        assert!(leads && !link.starts_with('/'), "{link}");
    }
    assert!(unique.contains("intercepted_order_is_one_trace.propagation_stripped_on_the_way"));
}

#[test]
fn nothing_from_elsewhere_becomes_markup() {
    let hostile = "</style><script>alert(1)</script>\"'&\u{202e}";
    let mut recording = Recording::checkout();
    recording.edit_service("order-service", |span| span.name = hostile.to_owned());
    recording.fail(recording.id_of(SpanKind::Server, "POST /checkout"), hostile);
    let mut one = scenario(
        "intercepted_order_is_one_trace",
        Outcome::Failed,
        vec![case(hostile, &recording)],
    );
    one.error = Some(hostile.to_owned());
    one.about = hostile.to_owned();
    if let Some(picture) = &mut one.cases[0].picture {
        picture.jaeger_url = "javascript:alert(1)".to_owned();
    }
    let mut report = run(
        vec![one],
        Counts {
            failed: 1,
            ..Counts::default()
        },
    );
    report.warnings.push(hostile.to_owned());
    report.logs.push(hostile.into());
    let page = page(&report);
    assert!(!page.contains("<script"), "{page}");
    assert!(
        !attributes(&page, "href")
            .iter()
            .any(|link| link.starts_with("javascript"))
    );
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn fifty_traces_stay_well_below_a_megabyte() {
    let cases = (0..50).map(|number| {
        let mut recording = Recording::checkout();
        recording.fail(
            recording.id_of(SpanKind::Internal, "create-order"),
            &format!("sold out {number}"),
        );
        recording.lose_header(recording.id_of(SpanKind::Server, "GET /api/check"), number);
        case(&format!("order {number}"), &recording)
    });
    let one = scenario(
        "fifty_concurrent_orders_are_fifty_traces",
        Outcome::Failed,
        cases.collect(),
    );
    let page = page(&run(
        vec![one],
        Counts {
            failed: 1,
            ..Counts::default()
        },
    ));
    assert_eq!(page.matches("<figure>").count(), 50);
    assert!(page.len() < 600_000, "{} bytes", page.len());
}

#[test]
fn every_span_of_a_waterfall_is_a_row_with_its_place_and_time() {
    let one = scenario(
        "intercepted_order_is_one_trace",
        Outcome::Failed,
        vec![case("order", &lost_header())],
    );
    let page = page(&run(
        vec![one],
        Counts {
            failed: 1,
            ..Counts::default()
        },
    ));
    let rows = page.matches("class=\"track\"").count();
    assert_eq!(rows, Recording::checkout().spans().len());
    // Sites differ by class, hence colour and pattern; places by their names.
    assert!(page.contains("class=\"bar c\"") && page.contains("class=\"bar w\""));
    assert!(page.contains("Stray trace"));
    assert_eq!(page.matches("◂ here").count(), 2);
}
