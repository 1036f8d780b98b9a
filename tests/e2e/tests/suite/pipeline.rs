//! What a pipeline is shown of a run that fails: its log, its files, GitHub's summary.

use crate::program::{BASELINE, INTERCEPTED, World};
use crate::redact::VOLATILE;

/// The folder of binaries in which the process on the workstation drops the header.
fn losing(world: &World) -> String {
    let folder = world.losing_the_header();
    folder.to_str().expect("UTF-8").to_owned()
}

fn args<'a>(bin_dir: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "e2e",
        "--env",
        "embedded",
        "--scenario",
        INTERCEPTED,
        "--no-twins",
        "--bin-dir",
        bin_dir,
    ];
    args.extend(more);
    args
}

/// The log from the first scenario on: before it, processes become ready in any order.
fn from_the_scenario<'l>(log: &'l str, first: &str) -> &'l str {
    let at = log
        .find(first)
        .unwrap_or_else(|| panic!("no {first:?} in\n{log}"));
    &log[at..]
}

#[test]
fn github_shows_folded_steps_an_annotation_and_a_summary_with_the_picture() {
    let world = World::new();
    let summary = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(summary.path(), "already here\n").unwrap();
    let path = summary.path().to_str().unwrap();
    let variables = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", path),
    ];
    let finished = world
        .run_with(&args(&losing(&world), &[]), &variables)
        .expect_code(10);
    // What started in any order is undone in any order.
    let (log, undo) = finished
        .stdout
        .split_once("::group::undo")
        .expect("the undo is shown");
    assert!(undo.contains("  ok    undo: otlp receiver"), "{undo}");
    insta::with_settings!({filters => VOLATILE}, {
        insta::assert_snapshot!(from_the_scenario(log, "::group::steps"));
    });
    assert_eq!(finished.stderr, "", "one stream, in order");
    let text = std::fs::read_to_string(summary.path()).unwrap();
    assert!(
        text.starts_with("already here\n## ❌ Throughline: expectation failed"),
        "{text}"
    );
    assert!(text.contains("```mermaid\nsequenceDiagram"), "{text}");
    assert!(text.contains("the traceparent header was lost between"), "{text}");
    let own = std::fs::read_to_string(world.run_directory().join("summary.md")).unwrap();
    assert_eq!(text, format!("already here\n{own}"));
}

#[test]
fn a_plain_log_is_one_stream_in_order_with_times() {
    let world = World::new();
    let finished = world
        .run_with(&args(&losing(&world), &[]), &[("CI", "true")])
        .expect_code(10);
    assert_eq!(finished.stderr, "", "one stream, in order");
    let timed = |line: &str| line.starts_with('[') && line.contains(" s] ");
    assert!(finished.stdout.lines().all(timed), "{}", finished.stdout);
    let untimed: Vec<&str> = finished
        .stdout
        .lines()
        .filter_map(|line| line.split_once("] "))
        .map(|it| it.1)
        .collect();
    let untimed = untimed.join("\n");
    insta::with_settings!({filters => VOLATILE}, {
        insta::assert_snapshot!(from_the_scenario(&untimed, "  FAIL"));
    });
}

#[test]
fn junit_is_written_where_it_was_asked_for_and_in_the_run_directory() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reports/junit.xml");
    let finished = world.run(&args(&losing(&world), &["--junit", file.to_str().unwrap()]));
    let finished = finished.expect_code(10);
    assert!(
        finished.stderr.contains("hint: rerun"),
        "a person is at the terminal: {}",
        finished.stderr
    );
    let xml = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        xml,
        std::fs::read_to_string(world.run_directory().join("junit.xml")).unwrap()
    );
    assert!(
        xml.contains(
            r#"<failure message="the traceparent header was lost between order-service and inventory-service"#
        ),
        "{xml}"
    );
}

#[test]
fn a_run_that_ends_early_leaves_no_older_junit_in_its_place() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("junit.xml");
    std::fs::write(&file, "<testsuites/>").unwrap();
    let root = tempfile::NamedTempFile::new().unwrap();
    world
        .run(&[
            "e2e",
            "--scenario",
            BASELINE,
            "--junit",
            file.to_str().unwrap(),
            "--root",
            root.path().to_str().unwrap(),
        ])
        .expect_code(13);
    assert!(!file.exists());
}

#[test]
fn a_report_that_cannot_be_written_makes_a_green_run_red() {
    let world = World::new();
    let finished = world
        .run(&[
            "e2e",
            "--scenario",
            BASELINE,
            "--no-twins",
            "--junit",
            "/dev/null/junit.xml",
        ])
        .expect_code(1);
    assert!(
        finished.stderr.contains("/dev/null/junit.xml"),
        "{}",
        finished.stderr
    );
}

#[test]
fn an_environment_that_nobody_named_is_warned_about_in_a_pipeline() {
    let run = |variables: &[(&str, &str)], more: &[&str]| {
        let mut args = vec!["e2e", "--scenario", BASELINE, "--no-twins"];
        args.extend(more);
        World::new().run_with(&args, variables).expect_code(0)
    };
    let github = [("GITHUB_ACTIONS", "true")];
    let named = run(&github, &["--env", "embedded"]);
    assert!(!named.stdout.contains("::warning"), "{}", named.stdout);
    let off = run(&github, &["--ci=off"]);
    assert!(!off.stdout.contains("::"), "{}", off.stdout);
    // Without tools on PATH there is nothing else to choose, whatever this program was built with.
    let auto = run(&[("GITHUB_ACTIONS", "true"), ("PATH", "/nonexistent")], &[]);
    assert!(
        auto.stdout
            .contains("::warning title=Throughline::auto: embedded"),
        "{}",
        auto.stdout
    );
    assert!(auto.stdout.contains("THROUGHLINE_ENV"), "{}", auto.stdout);
}

#[test]
fn json_stays_json_and_the_commands_go_to_the_other_stream() {
    let world = World::new();
    let finished = world
        .run_with(
            &args(&losing(&world), &["--format", "json"]),
            &[("GITHUB_ACTIONS", "true")],
        )
        .expect_code(10);
    for line in finished.stdout.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(
        finished.stderr.contains("::error title=intercepted"),
        "{}",
        finished.stderr
    );
}
