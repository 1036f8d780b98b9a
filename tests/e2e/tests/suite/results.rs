//! What a run proves, and what it leaves for its readers.

use std::collections::BTreeSet;

use e2e::breakpoint;
use e2e::scenario::{ALL, Capability, Scenario};
use serde_json::Value;

use crate::program::{BASELINE, INTERCEPTED, World, expect_no_process_of, json_lines};

#[test]
fn the_whole_suite_passes_with_every_twin_judged_as_it_must_be() {
    let world = World::new();
    let finished = world.run(&["e2e", "--env", "embedded"]).expect_code(0);
    let report = world.report();
    let scenarios = report["scenarios"].as_array().unwrap();
    let all: usize = ALL.iter().map(|scenario| 1 + scenario.twins.len()).sum();
    assert_eq!(scenarios.len(), all, "{}", finished.stdout);
    let beyond: BTreeSet<String> = ALL.iter().flat_map(beyond_embedded).collect();
    // Whether there is a debugger depends on the machine, and the report says so.
    let debugged = |name: &str| {
        ALL.iter().any(|scenario| {
            name.starts_with(scenario.name)
                && scenario
                    .needs
                    .iter()
                    .any(|need| matches!(need, Capability::Debugger | Capability::AttachDebugger))
        })
    };
    let mut passed = 0;
    for one in scenarios {
        let name = one["name"].as_str().unwrap();
        let skipped = one["result"] == "skipped";
        assert!(
            skipped || one["result"] == "passed",
            "{name}: {}",
            finished.stdout
        );
        assert!(
            skipped == beyond.contains(name) || (skipped && debugged(name)),
            "{name}: {}",
            finished.stdout
        );
        passed += usize::from(!skipped);
    }
    assert_eq!(report["counts"]["passed"], passed);
    assert_eq!(report["exit_code"], 0);
    let played = |name: &str| -> &Value {
        scenarios
            .iter()
            .find(|one| one["name"] == name)
            .unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(played(INTERCEPTED)["verdict"]["verdict"], "pass");
    let without = played("intercepted_order_is_one_trace/intercept_off");
    assert_eq!(without["verdict"]["verdict"], "fail");
    assert_eq!(
        without["proofs"][0]["claim"], "requests are answered by a process inside the cluster",
        "whatever intercept was there before is over"
    );
    expect_no_process_of(report["run"].as_str().unwrap());
}

/// A scenario and its twins, as far as they need what only other environments can do, or what this machine lacks.
fn beyond_embedded(scenario: &Scenario) -> Vec<String> {
    let can = |need: &Capability| match need {
        Capability::HeaderIntercept | Capability::Disturb | Capability::OpenSpans => true,
        // A machine without a debugger skips what needs one.
        Capability::Debugger | Capability::AttachDebugger => breakpoint::lacking(*need).is_none(),
        _ => false,
    };
    let itself = scenario.needs.iter().all(can);
    let twins = scenario.twins.iter().filter(|twin| {
        let needs = twin.fault.needs();
        !itself || needs.is_some_and(|need| !can(&need))
    });
    let twins = twins.map(|twin| format!("{}/{}", scenario.name, twin.name));
    let own = (!itself).then(|| scenario.name.to_owned());
    own.into_iter().chain(twins).collect()
}

#[test]
fn a_run_leaves_a_report_a_page_and_every_trace_as_text_and_mermaid() {
    let world = World::new();
    world
        .run(&["e2e", "--scenario", INTERCEPTED, "--no-twins"])
        .expect_code(0);
    let report = world.report();
    let trace = &report["scenarios"][0]["cases"][0]["picture"];
    assert_eq!(
        trace["path"],
        "storefront@cluster → order-service@workstation → inventory-service@cluster"
    );
    let directory = world.run_directory();
    let file = directory.join(trace["file"].as_str().unwrap());
    let text = std::fs::read_to_string(file.with_extension("txt")).unwrap();
    assert!(text.contains("create-order"), "{text}");
    let mermaid = std::fs::read_to_string(file.with_extension("mmd")).unwrap();
    assert!(mermaid.starts_with("sequenceDiagram"), "{mermaid}");
    let page = std::fs::read_to_string(directory.join("report.html")).unwrap();
    assert!(page.contains(INTERCEPTED));
    // The one `http-equiv` is the policy that forbids the page to load anything.
    assert_eq!(page.matches("http-equiv").count(), 1);
    assert!(page.contains(r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'"#));
    assert!(
        !page.contains("<script src") && !page.contains("<link"),
        "self-contained"
    );
}

#[test]
fn json_lines_are_the_recorded_events() {
    let world = World::new();
    let finished = world
        .run(&["e2e", "--scenario", BASELINE, "--format", "json"])
        .expect_code(0);
    let printed: Vec<Value> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(printed, json_lines(&world.run_directory().join("events.jsonl")));
    assert_eq!(printed.first().unwrap()["event"], "run_started");
    assert_eq!(printed.last().unwrap()["event"], "run_finished");
    let times: Vec<f64> = printed
        .iter()
        .map(|line| line["at_ms"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn the_first_line_says_where_it_ran_and_what_that_does_not_prove() {
    let world = World::new();
    let finished = world
        .run(&["e2e", "--scenario", BASELINE, "--no-twins"])
        .expect_code(0);
    let first = finished.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("run ") && first.contains(" · embedded · "),
        "{first}"
    );
    assert!(
        first.contains("nothing here proves Kubernetes or Telepresence"),
        "{first}"
    );
}

#[test]
fn a_repeated_run_plays_every_round() {
    let world = World::new();
    world
        .run(&["e2e", "--scenario", BASELINE, "--no-twins", "--repeat", "3"])
        .expect_code(0);
    let report = world.report();
    let rounds: Vec<u64> = report["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["round"].as_u64().unwrap())
        .collect();
    assert_eq!(rounds, [1, 2, 3]);
}

#[test]
fn gdb_holds_an_order_as_lldb_does_and_what_is_no_debugger_is_said() {
    let held = [
        "e2e",
        "--env",
        "embedded",
        "--scenario",
        "a_breakpoint_holds_an_order_and_the_trace_shows_the_pause",
    ];
    let with = |debugger: &str| World::new().run_with(&held, &[("THROUGHLINE_DEBUGGER", debugger)]);
    let absent = with("gdb-of-nobody").expect_code(13);
    let because = "because   THROUGHLINE_DEBUGGER names gdb-of-nobody, which is no program on PATH";
    assert_eq!(absent.stdout.matches(because).count(), 3, "{}", absent.stdout);
    let gdb = with("gdb");
    if which::which("gdb").is_ok() {
        let gdb = gdb.expect_code(0);
        assert!(gdb.stdout.contains(": 3 as expected"), "{}", gdb.stdout);
    } else {
        gdb.expect_code(13);
    }
}
