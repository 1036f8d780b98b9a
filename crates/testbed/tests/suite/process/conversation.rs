//! Children that are talked to over their standard streams.

use std::time::Duration;

use testbed::Exit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bed::{Bed, alive, generous, gone, shell};

#[tokio::test]
async fn what_is_said_to_a_child_is_answered_and_only_its_stderr_is_logged() {
    let bed = Bed::new();
    let (child, mut talk) = bed
        .run
        .converse(shell("adapter", "echo ready >&2; exec cat"))
        .unwrap();
    talk.stdin.write_all(b"hello").await.unwrap();
    drop(talk.stdin);
    let mut answer = String::new();
    talk.stdout.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "hello");
    assert_eq!(child.ended(&generous()).await.unwrap(), Exit::Code(0));
    let log = std::fs::read_to_string(child.log()).unwrap();
    assert!(
        log.contains(" err ready\n") && !log.lines().any(|line| line.ends_with("hello")),
        "{log}"
    );
}

#[tokio::test]
async fn a_child_that_is_talked_to_is_undone_with_its_run() {
    let bed = Bed::new();
    let (child, _talk) = bed.run.converse(shell("adapter", "exec sleep 600")).unwrap();
    assert!(bed.run.finish().await.complete());
    assert_eq!(child.exited(), Some(Exit::Signal(15)));
}

#[cfg(target_os = "linux")] // for the environment of others
#[tokio::test]
async fn what_a_child_started_in_a_session_of_its_own_is_found_by_its_name() {
    let bed = Bed::new();
    let script = "setsid sh -c 'echo $$; exec sleep 600' & wait";
    let (adapter, mut talk) = bed.run.converse(shell("adapter", script)).unwrap();
    let other = bed.run.supervise(shell("other", "exec sleep 600")).unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(talk.stdout.read_u8().await.unwrap());
    }
    let stray: i32 = String::from_utf8(line).unwrap().trim().parse().unwrap();
    adapter.stop(Duration::ZERO).await.unwrap();
    assert!(alive(stray));
    let grace = Duration::from_secs(5);
    assert_eq!(bed.run.stop_strays("adapter", grace).await.unwrap(), 1);
    gone(&[stray]).await;
    assert_eq!(bed.run.stop_strays("adapter", grace).await.unwrap(), 0);
    assert_eq!(other.exited(), None);
    bed.run.finish().await;
}
