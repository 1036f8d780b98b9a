//! Runs that cannot end well: each has its exit code, says why, and leaves nothing behind.

use crate::program::{BASELINE, INTERCEPTED, World, expect_no_process_of};

fn only(scenario: &str) -> [&str; 4] {
    ["e2e", "--scenario", scenario, "--no-twins"]
}

fn with_bin_dir<'a>(args: &[&'a str], folder: &'a std::path::Path) -> Vec<&'a str> {
    let mut args = args.to_vec();
    args.extend(["--bin-dir", folder.to_str().expect("UTF-8")]);
    args
}

#[test]
fn a_broken_propagation_fails_with_the_sentence_that_names_it() {
    let world = World::new();
    let folder = world.losing_the_header();
    let finished = world
        .run(&with_bin_dir(&only(INTERCEPTED), &folder))
        .expect_code(10);
    let out = &finished.stdout;
    assert!(out.contains("FAIL  intercepted_order_is_one_trace"), "{out}");
    assert!(
        out.contains("expected  storefront@cluster → order-service@workstation → inventory-service@cluster"),
        "{out}"
    );
    assert!(
        out.contains("the traceparent header was lost between order-service and inventory-service"),
        "{out}"
    );
    assert!(
        finished
            .stderr
            .contains("hint: rerun with `cargo xtask e2e --scenario"),
        "{}",
        finished.stderr
    );
    assert_eq!(world.report()["exit_code"], 10);
}

#[test]
fn evidence_of_a_failure_is_kept_as_it_was_then() {
    let world = World::new();
    let folder = world.losing_the_header();
    let mut args = with_bin_dir(&only(INTERCEPTED), &folder);
    args.extend(["--repeat", "2"]);
    let finished = world.run(&args).expect_code(10);
    let report = world.report();
    let traces: Vec<&str> = (0..2)
        .map(|round| {
            let picture = &report["scenarios"][round]["cases"][0]["picture"];
            picture["traces"][0].as_str().expect("a trace")
        })
        .collect();
    let kept = |moment: &str| {
        let file = world
            .run_directory()
            .join("evidence")
            .join(moment)
            .join("spans.jsonl");
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let (first, second) = (kept(INTERCEPTED), kept(&format!("{INTERCEPTED}.2")));
    assert!(first.contains(traces[0]) && !first.contains(traces[1]), "{first}");
    assert!(
        second.contains(traces[0]) && second.contains(traces[1]),
        "{second}"
    );
    assert!(
        finished
            .stderr
            .contains(&format!("evidence as it was after {INTERCEPTED}: ")),
        "{}",
        finished.stderr
    );
    let events = std::fs::read_to_string(world.run_directory().join("events.jsonl")).expect("events");
    let place = |parts: &[&str]| {
        let mut lines = events.lines();
        let found = lines.position(|line| parts.iter().all(|part| line.contains(part)));
        found.unwrap_or_else(|| panic!("no {parts:?} in {events}"))
    };
    let collected = place(&["\"collected\"", &format!("evidence/{INTERCEPTED}\"")]);
    let left = place(&["\"step_started\"", "leave"]);
    assert!(collected < left, "the intercept is still there: {events}");
}

#[test]
fn telemetry_that_never_settles_is_inconclusive_and_says_who_owes_it() {
    let world = World::new();
    let folder = world.with_script(
        "order-service",
        "[ \"$THROUGHLINE_SITE\" = workstation ] && export OTEL_BSP_SCHEDULE_DELAY=600000\nexec {real} \"$@\"",
    );
    let mut args = with_bin_dir(&only(INTERCEPTED), &folder);
    args.extend(["--settle-limit", "1s"]);
    let finished = world.run(&args).expect_code(11);
    assert!(
        finished
            .stdout
            .contains("of order-service@workstation not yet delivered"),
        "{}",
        finished.stdout
    );
}

#[test]
fn a_service_that_dies_before_it_is_ready_ends_the_run_with_its_last_words() {
    let world = World::new();
    let folder = world.with_script("inventory-service", "echo 'no such table: stock' >&2\nexit 3");
    let finished = world.run(&with_bin_dir(&only(BASELINE), &folder)).expect_code(12);
    assert!(
        finished.stderr.contains("no such table: stock"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("exit code 3"), "{}", finished.stderr);
    expect_no_process_of(world.run_directory().file_name().unwrap().to_str().unwrap());
}

#[test]
fn a_missing_binary_is_a_missing_prerequisite_with_its_cure() {
    let world = World::new();
    let empty = tempfile::tempdir().unwrap();
    let finished = world
        .run(&with_bin_dir(&only(BASELINE), empty.path()))
        .expect_code(13);
    let errors: Vec<&str> = finished
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert!(errors[0].contains("storefront"), "{}", finished.stderr);
    assert!(
        errors.iter().all(|line| !line.ends_with("prerequisite missing")),
        "told by what is missing: {errors:?}"
    );
    assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
    assert!(!finished.stderr.contains("warning"), "{}", finished.stderr);
    assert!(
        finished.stdout.contains("\nnothing was played · "),
        "{}",
        finished.stdout
    );
    let run = world.run_directory();
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    let report = std::fs::read_to_string(run.join("report.json")).unwrap();
    for text in [page, report] {
        assert!(text.contains("storefront") && text.contains("hint: "), "{text}");
    }
}

#[test]
fn a_run_directory_that_cannot_be_made_is_named() {
    let world = World::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut args = only(BASELINE).to_vec();
    args.extend(["--root", file.path().to_str().unwrap()]);
    let finished = world.run(&args).expect_code(13);
    assert!(
        finished.stderr.contains(file.path().to_str().unwrap()),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_reader_that_goes_away_does_not_break_the_run() {
    let world = World::new();
    let mut running = world.start(&only(BASELINE));
    let run = running.run_id();
    running.close_stdout();
    running.finish().expect_code(0);
    expect_no_process_of(&run);
}
