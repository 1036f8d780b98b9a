//! Recorded runs, for the tests of every report.

use std::path::PathBuf;

use testbed::event::Counts;
use trace::render::{self, MermaidOptions, TextOptions};
use trace::testing::Recording;
use trace::{At, Evidence, Expectation, SpanKind, Trace, judge};

use super::model::{
    CaseReport, CollectedFile, Outcome, PictureReport, RequestReport, RunReport, ScenarioReport, StepReport,
    TwinReport, UndoLine,
};
use crate::proof::Proof;

pub(super) fn expected() -> Vec<Expectation> {
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

pub(crate) fn case(label: &str, recording: &Recording) -> CaseReport {
    let evidence = recording.evidence();
    CaseReport {
        label: label.to_owned(),
        verdict: judge(&evidence, &expected()),
        waited_ms: 12.0,
        picture: Some(picture(&evidence)),
        shape: None,
        request: Some(RequestReport {
            request_id: evidence.request_id,
            trace_id: evidence.trace_id,
            answer: evidence.answer,
            accounts: evidence.accounts,
        }),
    }
}

pub(super) fn picture(evidence: &Evidence) -> PictureReport {
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
        pause: None,
        file: PathBuf::from("traces").join(&evidence.trace_id.to_string()[..8]),
    }
}

pub(crate) fn scenario(name: &str, outcome: Outcome, cases: Vec<CaseReport>) -> ScenarioReport {
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
        recoveries: Vec::new(),
        cases,
        took_ms: 85.0,
    }
}

pub(crate) fn lost_header() -> Recording {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /api/orders"), 0);
    recording
}

pub(crate) fn run(scenarios: Vec<ScenarioReport>, counts: Counts) -> RunReport {
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
            scenario: None,
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

/// What no format takes as it is: line ends, a percent sign, the end of a CDATA section, markup, control characters, a
/// workflow command, fences, and two characters that XML has no way to write.
pub(super) const NASTY: &str =
    "100 % of ]]> <b>&\"'\u{1b}[31m\u{0}\u{b}\r\n::error::second line\n##[group]```\u{fffe}\u{ffff}";

/// A run in which something of each kind went wrong.
pub(super) fn failing_run() -> RunReport {
    let mut broken = scenario("leaving_gives_the_traffic_back", Outcome::Failed, Vec::new());
    broken.error = Some(NASTY.to_owned());
    let mut open = scenario(
        "debug_spans_are_found_by_version",
        Outcome::Inconclusive,
        Vec::new(),
    );
    open.verdict = Some(trace::Verdict::Inconclusive {
        waited: std::time::Duration::from_secs(10),
        last: "3 spans of order-service@workstation not yet delivered".to_owned(),
    });
    let mut twin = scenario(
        "intercepted_order_is_one_trace/intercept_off",
        Outcome::Failed,
        vec![case("order", &Recording::checkout())],
    );
    twin.about = "the intercept is left before the order".to_owned();
    let skipped = scenario(
        "intercepted_order_is_one_trace/replayed",
        Outcome::Skipped {
            reason: "the kind environment can't break the intercept path on purpose".to_owned(),
        },
        Vec::new(),
    );
    let mut report = run(
        vec![
            scenario(
                "baseline_stays_in_the_cluster",
                Outcome::Passed,
                vec![case("order", &Recording::checkout())],
            ),
            scenario(
                "intercepted_order_is_one_trace",
                Outcome::Failed,
                vec![case("order", &lost_header())],
            ),
            twin,
            skipped,
            broken,
            open,
        ],
        Counts {
            passed: 1,
            failed: 3,
            inconclusive: 1,
            skipped: 1,
        },
    );
    report.chosen = Some("auto: embedded, because for kind: docker is not on PATH".to_owned());
    report.warnings = vec![NASTY.to_owned()];
    report
}
