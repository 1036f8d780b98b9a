//! `kill -9` of the runner: `down`, or the next run, finishes the undo.

use rustix::process::Signal;

use crate::program::{BASELINE, INTERCEPTED, World, expect_no_process_of, processes_of};

/// Kills a run that has an intercept and all its processes, and returns its id.
fn killed_run(world: &World) -> String {
    let mut running = world.start(&["e2e", "--scenario", INTERCEPTED]);
    let run = running.run_id();
    running.until("the intercept", |event| {
        event["event"] == "step_finished" && event["step"] == "intercept"
    });
    running.signal(Signal::KILL);
    let finished = running.finish();
    assert_eq!(finished.code, None, "killed by a signal");
    assert!(
        processes_of(&run).len() >= 4,
        "three services and the workstation's process outlive the runner"
    );
    run
}

#[test]
fn down_finishes_the_undo_of_a_killed_run() {
    let world = World::new();
    let run = killed_run(&world);
    let finished = world.run(&["down"]).expect_code(0);
    expect_no_process_of(&run);
    assert!(finished.stdout.contains(&run), "{}", finished.stdout);
    let again = world.run(&["down"]).expect_code(0);
    assert!(again.stdout.contains("nothing"), "{}", again.stdout);
}

#[test]
fn the_next_run_finishes_the_undo_of_a_killed_run() {
    let world = World::new();
    let run = killed_run(&world);
    world
        .run(&["e2e", "--scenario", BASELINE, "--no-twins"])
        .expect_code(0);
    expect_no_process_of(&run);
}

#[test]
fn down_leaves_a_run_alone_that_is_still_alive() {
    let world = World::new();
    let mut running = world.start(&["e2e", "--scenario", BASELINE, "--keep"]);
    let run = running.run_id();
    running.until("being kept", |event| event["text"] == "kept until Ctrl-C");
    world.run(&["down"]).expect_code(0);
    assert!(!processes_of(&run).is_empty());
    running.signal(Signal::INT);
    // The user ended what was kept; the verdict stands.
    running.finish().expect_code(0);
    expect_no_process_of(&run);
}
