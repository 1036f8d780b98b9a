//! Two runs of the real program, compared.

use std::path::PathBuf;

use crate::program::{BASELINE, INTERCEPTED, World};

/// A run of one scenario in the embedded environment; its directory.
fn played(world: &World, scenario: &str, more: &[&str]) -> PathBuf {
    let args = ["e2e", "--env", "embedded", "--scenario", scenario, "--no-twins"];
    world.run(&[&args[..], more].concat()).expect_code(0);
    world.run_directory()
}

fn compared(world: &World, left: &PathBuf, right: &PathBuf) -> crate::program::Finished {
    let [left, right] = [left, right].map(|path| path.to_str().expect("UTF-8"));
    world.run(&["parity", "--from", left, right])
}

#[test]
fn two_runs_of_the_same_are_the_same() {
    let world = World::new();
    let one = ["--left", "embedded", "--right", "embedded"];
    let args = [&["parity"], &one[..], &["--scenario", BASELINE, "--no-twins"]].concat();
    let finished = world.run(&args).expect_code(0);
    assert!(
        finished
            .stdout
            .contains("1 scenario in both · 1 trace compared · the same"),
        "{}",
        finished.stdout
    );
}

#[test]
fn a_difference_that_no_scenario_minds_fails_and_is_shown_with_its_files() {
    let (world, other) = (World::new(), World::new());
    let left = played(&world, BASELINE, &[]);
    let script = "export OTEL_RESOURCE_ATTRIBUTES=\"$OTEL_RESOURCE_ATTRIBUTES,service.version=9.9.9\"\nexec {real} \"$@\"";
    let folder = other.with_script("inventory-service", script);
    let right = played(&other, BASELINE, &["--bin-dir", folder.to_str().expect("UTF-8")]);
    let finished = compared(&world, &left, &right).expect_code(10);
    let shown = |mark: char, version: &str| {
        finished.stdout.lines().any(|line| {
            line.trim_start().starts_with(mark)
                && line.contains("inventory-service@cluster")
                && line.contains(version)
        })
    };
    assert!(
        shown('-', "service.version=0.1.0") && shown('+', "service.version=9.9.9"),
        "{}",
        finished.stdout
    );
    assert!(
        finished.stderr.contains("error: 1 unexpected difference"),
        "{}",
        finished.stderr
    );
    for file in ["parity.json", "parity.md", "parity.html"] {
        let text = std::fs::read_to_string(right.join(file)).expect(file);
        assert!(text.contains("service.version=9.9.9"), "{file}");
    }
}

#[test]
fn what_can_not_be_compared_is_a_usage_error() {
    let (world, other) = (World::new(), World::new());
    let (baseline, intercepted) = (played(&world, BASELINE, &[]), played(&other, INTERCEPTED, &[]));
    let finished = compared(&world, &baseline, &intercepted).expect_code(2);
    assert!(
        finished.stderr.contains("no scenario in common"),
        "{}",
        finished.stderr
    );
    let finished = compared(&world, &baseline, &world.root()).expect_code(2);
    assert!(
        finished.stderr.contains("no report can be read"),
        "{}",
        finished.stderr
    );
    let report = std::fs::read_to_string(intercepted.join("report.json")).expect("a report");
    let interrupted = report.replacen("\"exit_code\": 0", "\"exit_code\": 130", 1);
    assert_ne!(interrupted, report);
    std::fs::write(baseline.join("report.json"), interrupted).expect("a file");
    let finished = compared(&world, &baseline, &intercepted).expect_code(2);
    assert!(
        finished
            .stderr
            .contains("is of a run that was cut short: interrupted"),
        "{}",
        finished.stderr
    );
    std::fs::write(baseline.join("report.json"), "{}").expect("a file");
    let finished = compared(&world, &baseline, &intercepted).expect_code(2);
    assert!(
        finished.stderr.contains("is not the report of a run"),
        "{}",
        finished.stderr
    );
}
