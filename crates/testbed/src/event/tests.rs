//! Events as other programs read them.

use trace::Verdict;

use super::*;

fn json(event: &Event) -> String {
    serde_json::to_string(event).unwrap()
}

#[test]
fn durations_are_milliseconds_and_outcomes_are_flat() {
    let took = Duration::from_micros(3_141);
    let step = |outcome, detail: Option<&str>| Event::StepFinished {
        step: "otlp receiver".to_owned(),
        took,
        outcome,
        detail: detail.map(str::to_owned),
    };
    let failed = Outcome::Failed {
        error: "no".to_owned(),
        hint: Some("`x`".to_owned()),
    };
    let lines = [
        json(&step(Outcome::Ok, Some("127.0.0.1:4317"))),
        json(&step(failed, None)),
        json(&step(Outcome::TimedOut, None)),
        json(&step(Outcome::Interrupted, None)),
        json(&Event::UndoFinished {
            name: "order".to_owned(),
            took,
            outcome: Outcome::Ok,
        }),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"event":"step_finished","step":"otlp receiver","took_ms":3.141,"outcome":"ok","detail":"127.0.0.1:4317"}
    {"event":"step_finished","step":"otlp receiver","took_ms":3.141,"outcome":"failed","error":"no","hint":"`x`","detail":null}
    {"event":"step_finished","step":"otlp receiver","took_ms":3.141,"outcome":"timed_out","detail":null}
    {"event":"step_finished","step":"otlp receiver","took_ms":3.141,"outcome":"interrupted","detail":null}
    {"event":"undo_finished","name":"order","took_ms":3.141,"outcome":"ok"}
    "#);
}

#[test]
fn an_event_has_its_time_beside_its_fields() {
    let stamped = Stamped {
        event: Event::Note {
            text: "kept".to_owned(),
        },
        at: Duration::from_micros(1_500_250),
    };
    assert_eq!(
        serde_json::to_string(&stamped).unwrap(),
        r#"{"event":"note","text":"kept","at_ms":1500.25}"#
    );
}

#[tokio::test]
async fn times_do_not_go_back_and_are_the_same_in_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let (events, mut receiver) = Events::recorded(&path).unwrap();
    for text in ["one", "two", "three"] {
        events.note(text);
    }
    drop(events);
    let mut heard = Vec::new();
    while let Some(stamped) = receiver.recv_stamped().await {
        heard.push(stamped);
    }
    assert!(heard.is_sorted_by_key(|stamped| stamped.at));
    let told: String = heard
        .iter()
        .map(|stamped| serde_json::to_string(stamped).unwrap() + "\n")
        .collect();
    assert_eq!(std::fs::read_to_string(path).unwrap(), told);
}

#[test]
fn why_an_entry_was_left_is_flat_too() {
    let left = |because| Event::UndoLeft {
        name: "kubeconfig of the run".to_owned(),
        by_hand: "rm -rf /x".to_owned(),
        because,
    };
    let by = "objects in staging".to_owned();
    let lines = [left(LeftBecause::Kept), left(LeftBecause::Needed { by })];
    insta::assert_snapshot!(lines.map(|event| json(&event)).join("\n"), @r#"
    {"event":"undo_left","name":"kubeconfig of the run","by_hand":"rm -rf /x","because":"kept"}
    {"event":"undo_left","name":"kubeconfig of the run","by_hand":"rm -rf /x","because":"needed","by":"objects in staging"}
    "#);
}

#[test]
fn the_story_of_a_run_reads_in_one_go() {
    let run: RunId = "7f3a".parse().unwrap();
    let started = Event::RunStarted {
        run,
        environment: EnvironmentName::Embedded,
        dir: "/target/throughline/7f3a".into(),
        chosen: Some("kind is not installed".to_owned()),
        cannot_prove: None,
        at: Timestamp::UNIX_EPOCH,
    };
    let finished = Event::ScenarioFinished {
        scenario: "baseline".to_owned(),
        twin_of: None,
        verdict: Verdict::Pass {
            shown: vec!["one root".to_owned()],
        },
        as_expected: true,
        took: Duration::from_secs(1),
        file: Some("baseline.html".into()),
    };
    let counts = Counts {
        passed: 1,
        ..Counts::default()
    };
    let over = Event::RunFinished {
        exit_code: 0,
        counts,
        took: Duration::from_secs(2),
    };
    insta::assert_snapshot!([started, finished, over].map(|event| json(&event)).join("\n"), @r#"
    {"event":"run_started","run":"7f3a","environment":"embedded","dir":"/target/throughline/7f3a","chosen":"kind is not installed","cannot_prove":null,"at":"1970-01-01T00:00:00Z"}
    {"event":"scenario_finished","scenario":"baseline","twin_of":null,"verdict":{"verdict":"pass","shown":["one root"]},"as_expected":true,"took_ms":1000.0,"file":"baseline.html"}
    {"event":"run_finished","exit_code":0,"counts":{"passed":1,"failed":0,"inconclusive":0,"skipped":0},"took_ms":2000.0}
    "#);
}
