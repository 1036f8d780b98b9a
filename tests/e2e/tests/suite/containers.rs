//! Runs with a real Collector and a real Jaeger in containers: what they prove, what they say when something is wrong, and
//! that nothing stays behind. Needs Docker with both images.

use rustix::process::Signal;

use crate::program::{INTERCEPTED, World, expect_no_process_of};

/// What Docker lists, one line each.
#[expect(clippy::disallowed_methods, reason = "Docker is asked as a user asks it")]
fn docker(args: &[&str]) -> Vec<String> {
    let output = std::process::Command::new("docker")
        .args(args)
        .output()
        .expect("docker runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Containers and networks with the label of a run.
fn left_of(run: &str) -> Vec<String> {
    let label = format!("label=throughline.dev/run={run}");
    let mut left = docker(&["ps", "--all", "--filter", &label, "--format", "{{.Names}}"]);
    left.extend(docker(&[
        "network",
        "ls",
        "--filter",
        &label,
        "--format",
        "{{.Name}}",
    ]));
    left
}

#[test]
fn a_scenario_and_its_twins_are_judged_by_what_the_real_jaeger_says_and_nothing_is_left() {
    let world = World::new();
    world
        .run(&["e2e", "--env", "containers", "--scenario", INTERCEPTED])
        .expect_code(0);
    let report = world.report();
    assert_eq!(report["environment"], "containers");
    assert!(report["counts"]["passed"].as_u64() > Some(3), "{report}");
    let run = report["run"].as_str().unwrap();
    assert_eq!(left_of(run), Vec::<String>::new());
    expect_no_process_of(run);
}

#[test]
fn a_killed_run_leaves_containers_and_down_removes_them() {
    let world = World::new();
    let mut running = world.start(&["e2e", "--env", "containers", "--scenario", INTERCEPTED]);
    let run = running.run_id();
    for step in ["jaeger", "collector"] {
        if !running
            .seen
            .iter()
            .any(|event| event["step"] == step && event["event"] == "step_finished")
        {
            running.until(step, |event| {
                event["event"] == "step_finished" && event["step"] == step
            });
        }
    }
    running.signal(Signal::KILL);
    running.finish();
    assert_eq!(
        left_of(&run).len(),
        3,
        "two containers and their network: {:?}",
        left_of(&run)
    );
    world.run(&["down"]).expect_code(0);
    assert_eq!(left_of(&run), Vec::<String>::new());
    expect_no_process_of(&run);
}

#[test]
fn a_container_that_ends_is_told_with_its_last_words() {
    let world = World::new();
    // Jaeger is a Collector too, one that does not know all parts of this configuration.
    let finished = world
        .run(&[
            "e2e",
            "--env",
            "containers",
            "--pin",
            "collector=jaegertracing/jaeger:2.13.0",
            "--scenario",
            INTERCEPTED,
        ])
        .expect_code(12);
    assert!(
        finished.stderr.contains("-collector ended with exit code"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("unknown type"), "{}", finished.stderr);
    let run = world.report()["run"].as_str().unwrap().to_owned();
    assert_eq!(left_of(&run), Vec::<String>::new());
}

#[test]
fn an_image_that_is_not_there_is_a_missing_prerequisite_with_its_cure() {
    let world = World::new();
    let finished = world
        .run(&[
            "e2e",
            "--env",
            "containers",
            "--pin",
            "jaeger=registry.invalid/jaeger:0.0.1",
            "--scenario",
            INTERCEPTED,
        ])
        .expect_code(13);
    assert!(
        finished
            .stderr
            .contains("docker pull registry.invalid/jaeger:0.0.1"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_docker_that_is_not_there_is_a_missing_prerequisite() {
    let world = World::new();
    let finished = world
        .run_with(
            &["e2e", "--env", "containers", "--scenario", INTERCEPTED],
            &[("DOCKER_HOST", "unix:///nonexistent/docker.sock")],
        )
        .expect_code(13);
    assert!(
        finished.stderr.contains("the Docker Engine can't be reached"),
        "{}",
        finished.stderr
    );
}
