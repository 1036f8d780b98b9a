//! `workshop list`, `start`, `check` and `reset`: a check believes what runs have shown, and nothing else.

use crate::program::{BASELINE, World};

/// The command of step 1.
const PLAY: [&str; 6] = ["e2e", "--env", "embedded", "--scenario", BASELINE, "--no-twins"];

#[test]
fn the_list_has_every_step_with_its_goal() {
    let list = World::new().run(&["workshop", "list"]).expect_code(0).stdout;
    assert_eq!(list.lines().count(), 2 * 8 + 1, "{list}");
    assert!(
        list.contains("  1  See a whole trace\n     Know what a whole trace looks like"),
        "{list}"
    );
}

#[test]
fn a_step_is_done_when_a_run_since_its_start_has_passed() {
    let world = World::new();
    let begun = world.run(&["workshop", "start", "1"]).expect_code(0);
    assert!(
        begun
            .stdout
            .contains(&format!("$ cargo xtask {}", PLAY.join(" "))),
        "{begun:?}"
    );

    let none = world.run(&["workshop", "check", "1"]).expect_code(10);
    assert!(
        none.stdout.contains("not played since the step was begun"),
        "{none:?}"
    );
    assert!(
        none.stderr
            .contains("hint: play it with `cargo xtask e2e --env embedded"),
        "{none:?}"
    );

    world.run(&PLAY).expect_code(0);
    let done = world.run(&["workshop", "check", "1"]).expect_code(0);
    for part in ["ok    ", "shown     status 201", "report.html", "step 1 is done"] {
        assert!(done.stdout.contains(part), "{part}: {done:?}");
    }
    // Begun anew, only what comes now counts.
    world.run(&["workshop", "start", "1"]).expect_code(0);
    world.run(&["workshop", "check", "1"]).expect_code(10);
    let reset = world.run(&["workshop", "reset"]).expect_code(0);
    assert!(reset.stdout.contains("reset in "), "{reset:?}");
    world.run(&["workshop", "check", "1"]).expect_code(0);
}

#[test]
fn a_run_that_failed_does_not_do_and_its_verdict_is_shown() {
    let world = World::new();
    world.run(&PLAY).expect_code(0);
    let binaries = world.with_script("order-service", "exec {real} --fault drop-traceparent \"$@\"");
    let failed = [&PLAY[..], &["--bin-dir", binaries.to_str().expect("UTF-8")]].concat();
    world.run(&failed).expect_code(10);
    // The one before has passed, and the newest one counts.
    let checked = world.run(&["workshop", "check", "1"]).expect_code(10);
    for part in [
        "FAIL  ",
        "cause     the traceparent header was lost",
        "report    ",
    ] {
        assert!(checked.stdout.contains(part), "{part}: {checked:?}");
    }
    assert!(!checked.stdout.contains("is done"), "{checked:?}");
    world.run(&PLAY).expect_code(0);
    world.run(&["workshop", "check", "1"]).expect_code(0);
}

#[test]
fn a_step_that_does_not_exist_is_refused() {
    let refused = World::new().run(&["workshop", "check", "9"]).expect_code(2);
    assert!(
        refused.stderr.contains("hint: `cargo xtask workshop list`"),
        "{refused:?}"
    );
    World::new().run(&["workshop"]).expect_code(2);
}
