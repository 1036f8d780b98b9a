//! Ctrl-C in every phase: exit code 130, no child left, a complete journal.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{INTERCEPTED, World, expect_no_process_of};

/// Interrupts a run when an event comes, and checks what every interrupted run must show.
fn interrupted_at(what: &str, matches: impl Fn(&Value) -> bool, signal: Signal) {
    let world = World::new();
    let mut running = world.start(&["e2e", "--scenario", INTERCEPTED]);
    let run = running.run_id();
    running.until(what, matches);
    running.signal(signal);
    running.finish().expect_code(130);
    expect_no_process_of(&run);
    expect_complete(&world.journal());
}

/// Every deed that was pushed is also done.
#[track_caller]
pub(crate) fn expect_complete(journal: &[Value]) {
    let numbers = |key: &str| -> BTreeSet<u64> {
        journal
            .iter()
            .filter(|line| !line[key].is_null())
            .filter_map(|line| line["seq"].as_u64())
            .collect()
    };
    let (pushed, done) = (numbers("push"), numbers("done"));
    assert!(!pushed.is_empty(), "{journal:#?}");
    assert_eq!(pushed.difference(&done).count(), 0, "{journal:#?}");
}

fn step(name: &'static str, event: &'static str) -> impl Fn(&Value) -> bool {
    move |value| value["event"] == event && value["step"] == name
}

#[test]
fn while_the_first_part_comes_up() {
    interrupted_at(
        "the receiver",
        step("otlp receiver", "step_finished"),
        Signal::INT,
    );
}

#[test]
fn while_the_services_come_up() {
    interrupted_at(
        "a service",
        |event| {
            event["event"] == "step_started"
                && event["step"]
                    .as_str()
                    .is_some_and(|step| step.contains("@cluster"))
        },
        Signal::INT,
    );
}

#[test]
fn while_the_workstation_process_starts() {
    interrupted_at(
        "the workstation",
        step("order-service@workstation", "step_started"),
        Signal::INT,
    );
}

#[test]
fn while_the_intercept_is_made() {
    interrupted_at("the intercept", step("intercept", "step_started"), Signal::INT);
}

#[test]
fn while_the_intercept_is_proven() {
    interrupted_at(
        "the proof",
        |event| {
            event["event"] == "step_started"
                && event["step"]
                    .as_str()
                    .is_some_and(|step| step.starts_with("proof"))
        },
        Signal::INT,
    );
}

#[test]
fn while_a_trace_is_judged() {
    interrupted_at(
        "a scenario's end",
        |event| event["event"] == "scenario_finished",
        Signal::INT,
    );
}

#[test]
fn by_the_signal_that_ci_sends() {
    interrupted_at("the intercept", step("intercept", "step_finished"), Signal::TERM);
}
