//! An intercept of one's own: commands that serve, end, fail, hide, hang and change; and processes that somebody else starts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::Signal;
use serde_json::Value;

use crate::interrupt::expect_complete;
use crate::program::{Running, World, expect_no_process_of, post};

const INTERCEPT: [&str; 3] = ["intercept", "--env", "embedded"];
const ORDER: &str = r#"{"customer_id":"somebody","sku":"WIDGET-001","quantity":1}"#;

/// The real order-service.
fn order_service() -> String {
    World::real_binaries().join("order-service").display().to_string()
}

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&INTERCEPT, more].concat()
}

fn env_file(world: &World) -> PathBuf {
    world.root().join("order-service.env")
}

/// Orders through the storefront of a run whose events were read.
fn order(running: &Running) -> u16 {
    let storefront = running
        .seen
        .iter()
        .find(|event| event["event"] == "step_finished" && event["step"] == "storefront@cluster")
        .expect("a storefront");
    let url = storefront["detail"].as_str().expect("an address");
    post(&format!("{url}/checkout"), ORDER)
}

/// What every session that is over must show: nobody left, everything undone, no file for editors.
#[track_caller]
fn expect_nothing_left(world: &World, run: &str) {
    expect_no_process_of(run);
    expect_complete(&world.journal());
    assert!(!env_file(world).is_symlink());
    assert!(!world.run_directory().join("order-service.env").exists());
}

fn proven(event: &Value) -> bool {
    event["event"] == "note"
        && event["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("intercepted: "))
}

#[test]
fn a_command_serves_real_requests_until_ctrl_c() {
    let world = World::new();
    // The process that answers is not the command itself but one that it starts.
    let script = format!("{}; exit $?", order_service());
    let mut running = world.start_command(&INTERCEPT, &["sh", "-c", &script]);
    let run = running.run_id();
    running.until("the proof", proven);
    let file = env_file(&world);
    let variables = fs::read_to_string(&file).expect("the file for editors");
    assert!(
        variables
            .contains("OTEL_RESOURCE_ATTRIBUTES=service.version=local-debug,deployment.environment=debug\n"),
        "{variables}"
    );
    for expected in ["THROUGHLINE_SITE=workstation", "THROUGHLINE_OPEN_SPANS=same-id"] {
        assert!(variables.contains(&format!("\n{expected}\n")), "{variables}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(order(&running), 201);
    let seen = running.request();
    assert_eq!(
        seen["path"],
        "storefront@cluster → order-service@workstation → inventory-service@cluster"
    );
    assert_eq!(seen["problems"], serde_json::json!([]));
    running.signal(Signal::INT);
    running.until("the traffic given back", |event| {
        event["step"] == "proof: a process inside the cluster answers" && event["outcome"] == "ok"
    });
    running.finish().expect_code(130);
    expect_nothing_left(&world, &run);
}

#[test]
fn a_command_that_ends_gives_its_exit_code() {
    let world = World::new();
    let finished = world
        .run(&with(&[
            "--",
            "sh",
            "-c",
            "echo \"listen on $THROUGHLINE_LISTEN\"; exit 3",
        ]))
        .expect_code(3);
    assert!(
        finished.stderr.contains("command | listen on 127.0.0.1:"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("the command ended: exit code 3"),
        "{}",
        finished.stderr
    );
    let run = world.run_directory();
    expect_nothing_left(&world, run.file_name().unwrap().to_str().unwrap());
    World::new().run(&with(&["--", "true"])).expect_code(0);
    World::new()
        .run(&with(&["--", "sh", "-c", "kill -KILL $$"]))
        .expect_code(137);
}

#[test]
fn a_command_that_is_not_there_is_a_missing_prerequisite() {
    let world = World::new();
    let finished = world.run(&with(&["--", "no-such-program"])).expect_code(13);
    assert!(
        finished.stderr.contains("program not found: `no-such-program`"),
        "{}",
        finished.stderr
    );
    let run = world.run_directory();
    expect_nothing_left(&world, run.file_name().unwrap().to_str().unwrap());
}

#[test]
fn a_command_that_listens_elsewhere_is_told_where_and_where_it_should() {
    let world = World::new();
    let service = order_service();
    let mut running = world.start_command(&INTERCEPT, &["env", "THROUGHLINE_LISTEN=127.0.0.1:0", &service]);
    let run = running.run_id();
    let warning = running.until("the warning", |event| event["event"] == "warning");
    let text = warning["text"].as_str().unwrap();
    assert!(
        text.starts_with("the command listens on 127.0.0.1:")
            && text.contains("sends its requests to 127.0.0.1:"),
        "{text}"
    );
    assert!(!running.seen.iter().any(proven));
    running.signal(Signal::INT);
    running.finish().expect_code(130);
    expect_nothing_left(&world, &run);
}

#[test]
fn a_command_that_ignores_sigterm_is_gone_all_the_same() {
    let world = World::new();
    let script = "trap '' TERM; echo stubborn; while :; do sleep 600; done";
    let mut running = world.start_command(&INTERCEPT, &["sh", "-c", script]);
    let run = running.run_id();
    running.until("it runs", |event| event["line"] == "stubborn");
    running.signal(Signal::INT);
    running.finish().expect_code(130);
    expect_nothing_left(&world, &run);
}

#[test]
fn a_change_starts_the_command_anew_and_one_that_fails_keeps_the_intercept() {
    let world = World::new();
    let sources = tempfile::tempdir().unwrap();
    let watched = sources.path().to_str().unwrap();
    let switch = sources.path().join("main.rs");
    fs::write(&switch, "good").unwrap();
    // Builds and serves, as `cargo run` would; what does not build is no program.
    let script = format!(
        "grep -q good {} || exit 101; exec {}",
        switch.display(),
        order_service()
    );
    let args = with(&["--watch-path", watched]);
    let mut running = world.start_command(&args, &["sh", "-c", &script]);
    let run = running.run_id();
    let first = running.until("the first proof", proven)["text"].clone();
    fs::write(&switch, "bad").unwrap();
    running.note("main.rs changed");
    running.note("the command ended: exit code 101; the intercept stays");
    assert_eq!(
        order(&running),
        502,
        "nobody is there, and the cluster does not answer in its place"
    );
    fs::write(&switch, "good again").unwrap();
    let second = running.until("the second proof", proven)["text"].clone();
    assert_ne!(first, second, "another pid");
    assert_eq!(order(&running), 201);
    running.signal(Signal::INT);
    running.finish().expect_code(130);
    expect_nothing_left(&world, &run);
}

#[test]
fn without_a_command_every_process_that_comes_to_listen_is_proven() {
    let world = World::new();
    let mut running = world.start(&with(&["--print-env"]));
    let run = running.run_id();
    let shown = running.until("the variables", |event| event["event"] == "shown");
    let variables = fs::read_to_string(env_file(&world)).unwrap();
    assert_eq!(shown["text"].as_str().unwrap(), variables);
    for _ in 0..2 {
        running.until("waiting", |event| {
            event["text"]
                .as_str()
                .is_some_and(|text| text.contains("waiting for "))
        });
        let mut process = started_by_a_shell(&env_file(&world));
        let text = running.until("the proof", proven)["text"].clone();
        let pid = process.id();
        assert!(
            text.as_str().unwrap().ends_with(&format!("pid {pid}")),
            "{text} {pid}"
        );
        process.kill().unwrap();
        process.wait().unwrap();
    }
    running.note("nobody listens on ");
    running.signal(Signal::INT);
    running.finish().expect_code(130);
    expect_nothing_left(&world, &run);
}

/// An order-service with the variables of the file, started by somebody else,
/// as docs/DEBUGGING.md says for a shell.
#[expect(
    clippy::disallowed_methods,
    reason = "a person's shell does not start it through the harness"
)]
fn started_by_a_shell(variables: &Path) -> Child {
    std::process::Command::new("sh")
        .args(["-c", r#"set -a; . "$1"; set +a; exec "$2""#, "sh"])
        .args([variables, Path::new(&order_service())])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts")
}

#[test]
fn an_address_that_is_taken_is_refused_with_who_has_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let finished = World::new()
        .run(&with(&["--listen", &address, "--", "true"]))
        .expect_code(13);
    let expected = format!("error: {address} is taken by pid {}", std::process::id());
    assert!(finished.stderr.contains(&expected), "{}", finished.stderr);
}

#[test]
fn a_second_intercept_does_not_take_the_editors_file_away() {
    let world = World::new();
    let mut running = world.start(&INTERCEPT);
    running.until("waiting", |event| event["event"] == "shown");
    let before = fs::read_to_string(env_file(&world)).unwrap();
    let finished = world.run(&with(&["--", "true"])).expect_code(13);
    assert!(
        finished.stderr.contains("another intercept holds it"),
        "{}",
        finished.stderr
    );
    assert_eq!(fs::read_to_string(env_file(&world)).unwrap(), before);
    running.signal(Signal::TERM);
    running.finish().expect_code(130);
    assert!(!env_file(&world).is_symlink());
}

#[test]
fn down_finishes_the_undo_of_an_intercept_that_was_killed() {
    let world = World::new();
    let service = order_service();
    let mut running = world.start_command(&INTERCEPT, &[&service]);
    let run = running.run_id();
    running.until("the proof", proven);
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, None);
    assert!(env_file(&world).exists());
    world.run(&["down"]).expect_code(0);
    expect_nothing_left(&world, &run);
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let finished = World::new().run(&with(&["--watch"])).expect_code(2);
    assert!(
        finished.stderr.contains("no command to start anew"),
        "{}",
        finished.stderr
    );
    let finished = World::new()
        .run(&with(&["--header", "x-user=me", "--", "true"]))
        .expect_code(2);
    assert!(
        finished.stderr.contains("pass no header on but `x-debug`"),
        "{}",
        finished.stderr
    );
}
