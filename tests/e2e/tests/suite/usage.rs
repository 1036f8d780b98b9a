//! What is said to somebody who types something wrong, or asks for help.

use crate::program::World;

#[test]
fn an_unknown_scenario_is_a_usage_error_that_names_the_nearest() {
    let finished = World::new()
        .run(&["e2e", "--scenario", "intercepted_order"])
        .expect_code(2);
    assert!(
        finished
            .stderr
            .contains("no scenario is called `intercepted_order`"),
        "{}",
        finished.stderr
    );
    assert!(
        finished
            .stderr
            .contains("did you mean `intercepted_order_is_one_trace`"),
        "{}",
        finished.stderr
    );
    assert!(finished.stdout.is_empty());
}

#[test]
fn a_selection_without_any_scenario_is_a_usage_error() {
    let only_a_twin = "intercepted_order_is_one_trace/spans_late";
    let finished = World::new()
        .run(&["e2e", "--scenario", only_a_twin, "--no-twins"])
        .expect_code(2);
    assert!(
        finished.stderr.contains("the selection holds no scenario"),
        "{}",
        finished.stderr
    );
}

#[test]
fn an_unknown_flag_and_a_missing_verb_are_usage_errors() {
    World::new().run(&["e2e", "--no-such-flag"]).expect_code(2);
    World::new().run(&[]).expect_code(2);
    World::new().run(&["e2e", "--repeat", "0"]).expect_code(2);
}

#[test]
fn nothing_is_written_by_a_list() {
    let world = World::new();
    let finished = world.run(&["e2e", "--list"]).expect_code(0);
    assert!(
        finished.stdout.contains("baseline_stays_in_the_cluster\n"),
        "{}",
        finished.stdout
    );
    assert!(
        finished
            .stdout
            .contains("intercepted_order_is_one_trace/spans_late\n"),
        "{}",
        finished.stdout
    );
    assert!(!world.root().exists());
}

#[test]
fn help_shows_examples_and_every_verb() {
    let finished = World::new().run(&["--help"]).expect_code(0);
    for verb in ["e2e", "down", "doctor"] {
        assert!(
            finished.stdout.contains(&format!("\n  {verb} ")),
            "{}",
            finished.stdout
        );
    }
    let finished = World::new().run(&["e2e", "--help"]).expect_code(0);
    assert!(finished.stdout.contains("Examples:"), "{}", finished.stdout);
}

#[test]
fn a_context_is_never_guessed_and_never_used_for_another_environment() {
    for (args, fact) in [
        (
            vec!["e2e", "--env", "context"],
            "`--env context` needs the name of a context",
        ),
        (
            vec!["e2e", "--env", "embedded", "--context", "staging"],
            "a context was named, and the environment is not `--env context`",
        ),
        (
            vec!["e2e", "--context", "staging"],
            "a context was named, and the environment is not `--env context`",
        ),
        (
            vec!["e2e", "--env", "context", "--use-namespace", "demo"],
            "--context <NAME>",
        ),
    ] {
        let world = World::new();
        let finished = world.run(&args).expect_code(2);
        assert!(finished.stderr.contains(fact), "{args:?}: {}", finished.stderr);
        assert!(!world.root().exists(), "{args:?}: nothing is begun");
    }
}

#[test]
fn doctor_speaks_to_programs_too() {
    let finished = World::new().run(&["doctor", "--format", "json"]);
    let first = finished.stdout.lines().next().unwrap_or_default();
    let first: serde_json::Value = serde_json::from_str(first).expect("one environment per line");
    assert_eq!(first["environment"], "embedded");
    assert_eq!(first["missing"], serde_json::json!([]));
}

#[test]
fn doctor_says_ok_when_all_is_there_and_names_the_cure_when_not() {
    World::new().run(&["doctor"]).expect_code(0);
    let empty = tempfile::tempdir().unwrap();
    let finished = World::new()
        .run(&["doctor", "--bin-dir", empty.path().to_str().unwrap()])
        .expect_code(13);
    assert!(finished.stdout.contains("missing   "), "{}", finished.stdout);
    assert!(finished.stdout.contains("cure      "), "{}", finished.stdout);
}
