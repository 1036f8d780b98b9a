//! The words of the page, read from top to bottom without tags and style.

use std::time::Duration;

use testbed::event::Counts;
use trace::Verdict;
use trace::testing::Recording;

use super::{case, lost_header, page, run, scenario};
use crate::report::model::{Outcome, RunReport, UndoLine};

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
    assert!(!page.contains("as expected"), "nothing is counted: {page}");
    assert!(!page.contains('✓'), "{page}");
}
