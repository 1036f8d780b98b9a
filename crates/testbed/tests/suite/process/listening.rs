//! Waiting for a line of a child: found early or late, given up at death, deadline or interrupt.

use std::time::{Duration, Instant};

use testbed::{Class, Deadline, Exit, Explain, ProcessError, ProcessSpec};

use crate::bed::{Bed, generous, shell, told};

#[tokio::test]
async fn a_line_on_stdout_is_found_even_if_it_came_before_we_asked() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell(
            "a",
            "echo noise; echo listening http://127.0.0.1:1; exec sleep 600",
        ))
        .unwrap();
    assert_eq!(told(&child, "listening ").await, "http://127.0.0.1:1");
    assert_eq!(told(&child, "listening ").await, "http://127.0.0.1:1");
    assert_eq!(child.exited(), None);
    bed.run.finish().await;
}

#[tokio::test]
async fn a_line_on_stderr_is_no_answer_but_part_of_the_story() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell("a", "echo ready >&2; exec sleep 600"))
        .unwrap();
    let deadline = Deadline::after(Duration::from_millis(300));
    let error = child
        .line(&deadline, |line| (line == "ready").then_some(()))
        .await
        .unwrap_err();
    let ProcessError::Silent { tail, waited, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(tail, &["ready"]);
    assert!(*waited >= Duration::from_millis(300), "{waited:?}");
    bed.run.finish().await;
}

#[tokio::test]
async fn waiting_for_a_line_gives_up_at_once_when_the_child_dies_and_shows_its_tail() {
    let bed = Bed::new();
    let script = "echo starting; echo 'cannot bind 127.0.0.1:8080: address already in use' >&2; exit 3";
    let child = bed.run.supervise(shell("order@cluster", script)).unwrap();
    let begun = Instant::now();
    let error = child
        .line(&generous(), |line| line.strip_prefix("listening ").map(drop))
        .await
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let text = error.to_string();
    assert!(
        text.starts_with("order@cluster ended too early: exit code 3; it printed last:\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  | cannot bind 127.0.0.1:8080: address already in use"),
        "{text}"
    );
    assert!(text.contains("\n  | starting"), "{text}");
    assert!(
        error.hint().unwrap().contains("order@cluster.log"),
        "{:?}",
        error.hint()
    );
}

#[tokio::test]
async fn the_last_words_of_a_dying_child_are_still_looked_at() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell("a", "printf 'listening without newline'"))
        .unwrap();
    assert_eq!(told(&child, "listening ").await, "without newline");
    assert_eq!(child.ended(&generous()).await.unwrap(), Exit::Code(0));
}

#[tokio::test]
async fn a_real_port_conflict_is_told_by_the_child_itself() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let bed = Bed::new();
    let spec = ProcessSpec::new("server", env!("CARGO_BIN_EXE_testbed-runner"));
    let child = bed
        .run
        .supervise(spec.args(["bind", &address.to_string()]))
        .unwrap();
    let error = child
        .line(&generous(), |line| (line == "listening").then_some(()))
        .await
        .unwrap_err();
    let ProcessError::Died { exit, tail, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*exit, Exit::Code(1));
    assert!(
        tail.last().unwrap().contains("Address already in use"),
        "{tail:?}"
    );
}

#[tokio::test]
async fn waiting_for_a_line_ends_with_the_interrupt() {
    let bed = Bed::new();
    let child = bed.run.supervise(shell("a", "exec sleep 600")).unwrap();
    let deadline = bed.run.deadline(Duration::from_secs(600));
    let waiting = child.line(&deadline, |_| Some(()));
    let interrupt = async { bed.signals.raise() };
    let (error, ()) = tokio::join!(waiting, interrupt);
    let error = error.unwrap_err();
    assert!(matches!(error, ProcessError::Interrupted { .. }), "{error}");
    assert_eq!(error.class(), Class::Interrupted);
    bed.run.finish().await;
}
