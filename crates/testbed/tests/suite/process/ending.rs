//! The end of a child and of its group: by itself, by a polite or a hard stop, by the end of the run.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use testbed::{Exit, Process};

use crate::bed::{Bed, alive, generous, gone, pids, shell, told};

#[tokio::test]
async fn the_end_is_known_at_once_although_a_grandchild_holds_the_pipe() {
    let bed = Bed::new();
    let script = "sleep 600 & echo pid $!; seq 1 2000; printf 'last words'; exit 3";
    let child = bed.run.supervise(shell("a", script)).unwrap();
    assert_eq!(child.ended(&generous()).await.unwrap(), Exit::Code(3));
    assert_eq!(child.tail().last().unwrap(), "last words");
    assert!(child.tail().contains(&"2000".to_owned()));
    bed.run.finish().await;
}

#[tokio::test]
async fn a_polite_stop_lets_the_child_say_goodbye() {
    let bed = Bed::new();
    let script = "trap 'echo flushed; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let child = bed.run.supervise(shell("a", script)).unwrap();
    told(&child, "ready").await;
    assert_eq!(child.stop(Duration::from_secs(60)).await.unwrap(), Exit::Code(0));
    assert_eq!(child.tail().last().unwrap(), "flushed");
    assert!(bed.run.undo().names().is_empty(), "{:?}", bed.run.undo().names());
    assert_eq!(
        child.stop(Duration::ZERO).await.unwrap(),
        Exit::Code(0),
        "a second stop changes nothing"
    );
}

#[tokio::test]
async fn a_child_that_ignores_sigterm_dies_after_its_grace() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell(
            "a",
            "trap '' TERM; echo ready; while :; do sleep 0.05; done",
        ))
        .unwrap();
    told(&child, "ready").await;
    let grace = Duration::from_millis(200);
    let begun = Instant::now();
    let exit = child.stop(grace).await.unwrap();
    assert_eq!(exit, Exit::Signal(9));
    assert_eq!(exit.to_string(), "killed by SIGKILL");
    assert!(begun.elapsed() >= grace, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_mishap_kills_those_of_the_run_that_were_picked_and_no_others() {
    let (bed, other) = (Bed::new(), Bed::new());
    let script = "setsid sleep 600 & echo pid $!; echo ready; exec sleep 600";
    let child = bed.run.supervise(shell("a", script)).unwrap();
    let daemon = pids(&child, "pid ").await;
    told(&child, "ready").await;
    let stranger = other
        .run
        .supervise(shell("b", "echo ready; exec sleep 600"))
        .unwrap();
    told(&stranger, "ready").await;
    let stranger = i32::try_from(stranger.pid()).unwrap();

    let picked = |pid: u32| {
        [daemon[0], stranger]
            .iter()
            .any(|one| u32::try_from(*one) == Ok(pid))
    };
    assert_eq!(bed.run.kill(picked, &generous()).await.unwrap(), 1);
    assert!(!alive(daemon[0]) && alive(stranger));
    assert!(alive(i32::try_from(child.pid()).unwrap()));
    assert_eq!(
        bed.run.kill(picked, &generous()).await.unwrap(),
        0,
        "it is gone already"
    );
    bed.run.finish().await;
    other.run.finish().await;
}

#[tokio::test]
async fn a_child_that_was_stopped_still_hears_sigterm() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell(
            "a",
            "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done",
        ))
        .unwrap();
    told(&child, "ready").await;
    child.signal(Signal::STOP).unwrap();
    assert_eq!(child.stop(Duration::from_secs(60)).await.unwrap(), Exit::Code(0));
}

#[tokio::test]
async fn grandchildren_die_with_the_group() {
    let bed = Bed::new();
    let script = "sleep 600 & one=$!; (trap '' TERM; sleep 600) & echo pids $one $!; wait";
    let child = bed.run.supervise(shell("a", script)).unwrap();
    let grandchildren = pids(&child, "pids ").await;
    assert!(grandchildren.iter().all(|&pid| alive(pid)));
    child.stop(Duration::from_millis(200)).await.unwrap();
    gone(&grandchildren).await;
}

#[tokio::test]
async fn grandchildren_of_a_child_that_died_first_are_given_their_grace() {
    let bed = Bed::new();
    let script = r#"
        mkfifo "$THROUGHLINE_RUN_DIR/up"
        (trap 'echo > "$THROUGHLINE_RUN_DIR/goodbye"; exit 0' TERM
         echo > "$THROUGHLINE_RUN_DIR/up"; while :; do sleep 0.05; done) &
        read line < "$THROUGHLINE_RUN_DIR/up"; exit 7"#;
    let child = bed.run.supervise(shell("a", script)).unwrap();
    assert_eq!(child.ended(&generous()).await.unwrap(), Exit::Code(7));
    assert_eq!(child.stop(Duration::from_secs(600)).await.unwrap(), Exit::Code(7));
    assert!(
        bed.run.dir().file("goodbye").exists(),
        "it was not killed before it was done"
    );
}

#[tokio::test]
async fn grandchildren_of_a_child_that_died_first_are_killed_when_they_ignore_sigterm() {
    let bed = Bed::new();
    let script = "trap '' TERM; sleep 600 & echo pid $!; exit 7";
    let child = bed.run.supervise(shell("a", script)).unwrap();
    let stubborn = pids(&child, "pid ").await;
    assert_eq!(child.ended(&generous()).await.unwrap(), Exit::Code(7));
    assert!(alive(stubborn[0]));
    assert_eq!(
        child.stop(Duration::from_millis(100)).await.unwrap(),
        Exit::Code(7)
    );
    gone(&stubborn).await;
}

#[tokio::test]
async fn a_child_that_dies_by_itself_is_noticed() {
    let bed = Bed::new();
    let child = bed.run.supervise(shell("a", "read line; kill -SEGV $$")).unwrap();
    let mut watch = child.watch();
    let exit = watch.wait_for(Option::is_some).await.unwrap().unwrap();
    assert_eq!(
        (exit, exit.to_string().as_str()),
        (Exit::Signal(11), "killed by SIGSEGV")
    );
    assert!(!exit.success());
    assert_eq!(child.exited(), Some(exit));
}

#[tokio::test]
async fn dropping_the_handle_changes_nothing_dropping_the_run_kills() {
    let bed = Bed::new();
    let child: Process = bed
        .run
        .supervise(shell("a", "sleep 600 & echo pids $$ $!; wait"))
        .unwrap();
    let pids = pids(&child, "pids ").await;
    drop(child);
    assert!(pids.iter().all(|&pid| alive(pid)));
    let Bed { run, mut events, .. } = bed;
    drop(run);
    gone(&pids).await;
    let told = std::iter::from_fn(|| events.try_recv())
        .any(|event| format!("{event:?}").contains("without undoing: a"));
    assert!(told);
}

#[tokio::test]
async fn many_short_children_leave_no_zombie() {
    let bed = Bed::new();
    let start = |n| bed.run.supervise(shell(&format!("short-{n}"), "exit 0")).unwrap();
    let children: Vec<Process> = (0..50).map(start).collect();
    for child in children {
        assert_eq!(child.ended(&generous()).await.unwrap(), Exit::Code(0));
        child.stop(Duration::ZERO).await.unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.pid()).unwrap()).unwrap();
        assert_eq!(
            rustix::process::test_kill_process(pid),
            Err(rustix::io::Errno::SRCH)
        );
    }
}
