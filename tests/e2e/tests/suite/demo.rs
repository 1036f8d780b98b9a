//! The demo as a script, as a terminal would see it, and in its bad ends.

use rustix::process::Signal;

use crate::interrupt::expect_complete;
use crate::program::{Running, World, expect_no_process_of, processes_of};

const DEMO: [&str; 3] = ["demo", "--env", "embedded"];

/// A demo that is up and shows its map.
fn started(world: &World) -> (Running, String) {
    let mut running = world.start(&DEMO);
    let run = running.run_id();
    running.until("the map", |event| event["event"] == "shown");
    (running, run)
}

/// The storefront's address, as the map shows it.
fn storefront(running: &Running) -> String {
    let map = running
        .seen
        .iter()
        .rev()
        .find(|event| event["event"] == "shown")
        .expect("a map");
    let map = map["text"].as_str().expect("text");
    let line = map
        .lines()
        .find(|line| line.contains("storefront"))
        .expect("a line");
    line.split_whitespace().last().expect("an address").to_owned()
}

#[test]
fn a_script_sees_each_order_take_the_way_that_it_asked_for() {
    let world = World::new();
    let script = "# the walkthrough in short\norder\nintercept\norder WIDGET-001 2\ntrace\nbreak\norder\nmend\norder\nleave\norder\nopen\nquit\n";
    let finished = world.run_typing(&DEMO, script).expect_code(0);
    let requests: Vec<&str> = finished
        .stdout
        .lines()
        .filter(|line| line.contains("/trace/") && line.contains("storefront@cluster"))
        .collect();
    let workstation = "storefront@cluster → order-service@workstation → inventory-service@cluster";
    let cluster = "storefront@cluster → order-service@cluster → inventory-service@cluster";
    let broken = "storefront@cluster → order-service@workstation, and inventory-service@cluster under trace";
    let ways = [cluster, workstation, broken, workstation, cluster];
    assert_eq!(requests.len(), ways.len(), "{}", finished.stdout);
    for (request, way) in requests.iter().zip(ways) {
        assert!(request.contains(way), "{way}\n{}", finished.stdout);
        assert!(request.starts_with("  201  "), "{request}");
    }
    let out = &finished.stdout;
    assert!(
        out.contains("broken    the traceparent header was lost between order-service and inventory-service"),
        "{out}"
    );
    assert!(out.contains("└─ create-order "), "the tree\n{out}");
    assert_eq!(out.matches("broken  ").count(), 1, "{out}");
    expect_no_process_of(world.run_directory().file_name().unwrap().to_str().unwrap());
}

#[test]
fn the_way_to_the_workstation_can_be_broken_and_mended() {
    let world = World::new();
    let script = "intercept\nbreak propagation_stripped_on_the_way\norder\nmend\norder\nquit\n";
    let finished = world.run_typing(&DEMO, script).expect_code(0);
    let out = &finished.stdout;
    assert_eq!(out.matches("broken  ").count(), 1, "{out}");
    let nothing_there = World::new()
        .run_typing(&DEMO, "break on_the_way\n")
        .expect_code(2);
    assert!(
        nothing_there.stderr.contains("`intercept` first"),
        "{}",
        nothing_there.stderr
    );
}

#[test]
fn the_propagator_that_the_others_do_not_understand_is_named() {
    let finished = World::new()
        .run_typing(&DEMO, "intercept\nbreak wrong_propagator\norder\nquit\n")
        .expect_code(0);
    let out = &finished.stdout;
    let broken = out
        .lines()
        .find(|line| line.contains("broken  "))
        .expect("a cause");
    assert!(
        broken.contains("order-service@workstation") && broken.contains("b3"),
        "{broken}"
    );
}

#[test]
fn an_order_with_the_header_goes_to_the_workstation_and_a_plain_one_does_not() {
    let world = World::new();
    let finished = world
        .run_typing(&DEMO, "intercept x-debug=me\norder\norder plain\nquit\n")
        .expect_code(0);
    let requests: Vec<&str> = finished
        .stdout
        .lines()
        .filter(|line| line.starts_with("  201  "))
        .collect();
    assert_eq!(requests.len(), 2, "{}", finished.stdout);
    assert!(
        requests[0].contains("order-service@workstation"),
        "{}",
        requests[0]
    );
    assert!(requests[1].contains("order-service@cluster"), "{}", requests[1]);
}

#[test]
fn requests_of_others_are_followed_after_the_input_has_ended() {
    let world = World::new();
    let (mut running, run) = started(&world);
    let storefront = storefront(&running);
    running.end_input();
    running.note("end of the input");
    let order = r#"{"customer_id":"somebody","sku":"SOLDOUT-001","quantity":1}"#;
    let status = crate::program::post(&format!("{storefront}/checkout"), order);
    assert_eq!(status, 409);
    let seen = running.request();
    assert_eq!(seen["status"], 409);
    assert_eq!(
        seen["path"],
        "storefront@cluster → order-service@cluster → inventory-service@cluster"
    );
    assert_eq!(seen["problems"], serde_json::json!([]));
    running.signal(Signal::INT);
    running.finish().expect_code(130);
    expect_no_process_of(&run);
    expect_complete(&world.journal());
}

#[test]
fn a_script_ends_with_the_first_command_that_is_not_understood() {
    let world = World::new();
    let finished = world.run_typing(&DEMO, "ordre\norder\nquit\n").expect_code(2);
    assert!(
        finished.stderr.contains("`ordre` is no command"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stdout.contains("/trace/"), "{}", finished.stdout);
    let finished = World::new().run_typing(&DEMO, "leave\n").expect_code(2);
    assert!(
        finished.stderr.contains("nothing is intercepted"),
        "{}",
        finished.stderr
    );
}

#[test]
fn ctrl_c_during_an_intercept_gives_the_traffic_back_and_undoes_everything() {
    let world = World::new();
    let (mut running, run) = started(&world);
    running.type_lines("intercept\norder\n");
    running.request();
    running.signal(Signal::INT);
    running.until("the traffic given back", |event| {
        event["event"] == "step_finished"
            && event["step"] == "proof: a process inside the cluster answers"
            && event["outcome"] == "ok"
    });
    running.finish().expect_code(130);
    expect_no_process_of(&run);
    expect_complete(&world.journal());
}

#[test]
fn down_finishes_the_undo_of_a_demo_that_was_killed() {
    let world = World::new();
    let (mut running, run) = started(&world);
    running.type_lines("intercept\norder\n");
    running.request();
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, None);
    assert!(processes_of(&run).len() >= 4);
    world.run(&["down"]).expect_code(0);
    expect_no_process_of(&run);
}
