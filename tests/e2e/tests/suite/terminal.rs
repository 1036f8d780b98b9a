//! In a terminal, as a person has it: lines are typed, Ctrl-C reaches every process of the group at once, and what was drawn over
//! is gone at the end.

use std::num::NonZero;

use nix::sys::wait::WaitStatus;
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};

use crate::interrupt::expect_complete;
use crate::program::{BASELINE, World, expect_no_process_of, processes_of};

/// How long anything may take to be shown; it takes a fraction of it.
const SHOWN_WITHIN_MS: u64 = 60_000;
const DEMO: [&str; 3] = ["demo", "--env", "embedded"];
/// Rows and columns of the terminal that shows what was drawn.
const SCREEN: (NonZero<u16>, NonZero<u16>) = (NonZero::new(60).unwrap(), NonZero::new(132).unwrap());
/// What only the line of a request has that a process on the workstation handled.
const TO_THE_WORKSTATION: &str = "(local-debug)";

/// The program in a terminal of its own, in whose session it and its children are.
fn in_a_terminal(world: &World, args: &[&str], colours: bool) -> PtySession {
    let mut command = world.command(args);
    command.env("TERM", "xterm-256color");
    if !colours {
        command.env("NO_COLOR", "1");
    }
    let options = Options::new().timeout_ms(Some(SHOWN_WITHIN_MS));
    spawn_with_options(command, options).expect("a terminal")
}

/// Reads to the end, and answers what was shown since and the exit code.
fn ended(mut terminal: PtySession) -> (String, i32) {
    let shown = terminal.exp_eof().expect("it ends");
    match terminal.process().wait().expect("it can be waited for") {
        WaitStatus::Exited(_, code) => (shown, code),
        other => panic!("{other:?}\n{shown}"),
    }
}

fn run_of(world: &World) -> String {
    let directory = world.run_directory();
    let name = directory.file_name().expect("a name");
    name.to_str().expect("UTF-8").to_owned()
}

#[test]
fn what_is_mistyped_is_said_and_the_end_of_the_input_is_quit() {
    let world = World::new();
    let mut terminal = in_a_terminal(&world, &DEMO, false);
    terminal.exp_string("try `order`").expect("the map");
    terminal.send_line("ordre").expect("typed");
    terminal.exp_string("`ordre` is no command").expect("an answer");
    terminal.send_line("intercept").expect("typed");
    terminal.send_line("order").expect("typed");
    terminal.exp_string(TO_THE_WORKSTATION).expect("a request");
    terminal.send_control('d').expect("typed");
    let (shown, code) = ended(terminal);
    assert_eq!(code, 0, "{shown}");
    // Where a person types, no step that is over is drawn again.
    let (meanwhile, _) = shown.split_once("leave").expect("the end gives the traffic back");
    assert!(!meanwhile.contains("proof"), "{meanwhile:?}");
    expect_no_process_of(&run_of(&world));
    expect_complete(&world.journal());
}

#[test]
fn ctrl_c_reaches_every_process_at_once_and_still_everything_is_undone_in_order() {
    let world = World::new();
    let mut terminal = in_a_terminal(&world, &DEMO, false);
    terminal.exp_string("try `order`").expect("the map");
    terminal.send_line("intercept").expect("typed");
    terminal.send_line("order").expect("typed");
    terminal.exp_string(TO_THE_WORKSTATION).expect("a request");
    let run = run_of(&world);
    assert!(processes_of(&run).len() >= 4);
    terminal.send_control('c').expect("typed");
    // The storefront and the pod still serve: they are not in the terminal's foreground group, and go when it is their turn.
    terminal
        .exp_string("proof: a process inside the cluster answers")
        .expect("the traffic given back");
    let (shown, code) = ended(terminal);
    assert_eq!(code, 130, "{shown}");
    assert!(!shown.contains("warning"), "{shown}");
    expect_no_process_of(&run);
    expect_complete(&world.journal());
}

#[test]
fn at_the_end_of_a_run_the_screen_shows_lines_and_no_rest_of_what_was_drawn_over() {
    let world = World::new();
    let args = ["e2e", "--env", "embedded", "--scenario", BASELINE];
    let (drawn, code) = ended(in_a_terminal(&world, &args, true));
    assert_eq!(code, 0, "{drawn}");
    assert!(drawn.contains("\u{1b}[32m"), "no green: {drawn:?}");
    let mut screen = vt100::Parser::new(SCREEN.0, SCREEN.1, 0);
    screen.process(drawn.as_bytes());
    let shown = screen.screen().contents();
    let beginnings = [
        "run ",
        "  ok    ",
        "          ",
        "1 scenario and 1 twin: 2 as expected",
    ];
    for line in shown.lines() {
        assert!(
            beginnings.iter().any(|beginning| line.starts_with(beginning)),
            "{line:?} in\n{shown}"
        );
    }
    assert!(shown.contains(&format!("  ok    {BASELINE} ")), "{shown}");

    let (drawn, code) = ended(in_a_terminal(&World::new(), &args, false));
    assert_eq!(code, 0, "{drawn}");
    assert!(!drawn.contains("\u{1b}[32m"), "{drawn:?}");
}
