//! Children: started, watched, listened to and stopped.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use testbed::{Call, Class, Deadline, Exit, Explain, Process, ProcessError, ProcessSpec};

use crate::bed::{Bed, alive, generous, gone, pids, shell, told};

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
async fn the_environment_is_explicit_and_carries_the_runs_mark() {
    let bed = Bed::new();
    let spec = ProcessSpec::new("a", "env")
        .env("ORDER_URL", "http://x")
        .env("THROUGHLINE_RUN", "someone else's");
    let child = bed.run.supervise(spec).unwrap();
    child.ended(&generous()).await.unwrap();
    let tail = child.tail();
    let names: Vec<&str> = tail
        .iter()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    let known = [
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "ORDER_URL",
        "THROUGHLINE_RUN",
        "THROUGHLINE_RUN_DIR",
        "THROUGHLINE_PROCESS",
    ];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(
        tail.contains(&format!("THROUGHLINE_RUN={}", bed.run.id())),
        "{tail:?}"
    );
    assert!(tail.contains(&"ORDER_URL=http://x".to_owned()), "{tail:?}");
    assert!(names.contains(&"PATH"), "{names:?}");
}

#[tokio::test]
async fn the_child_is_the_leader_of_a_group_of_its_own_and_has_no_stdin() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell("a", "cat; ps -o pgid= -p $$; echo end"))
        .unwrap();
    told(&child, "end").await;
    assert_eq!(child.tail()[0].trim(), child.pid().to_string());
}

#[tokio::test]
async fn the_log_file_holds_everything_the_tail_only_the_end() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell("many lines/odd name", "seq 1 5000; echo end >&2"))
        .unwrap();
    child.ended(&generous()).await.unwrap();
    let log = std::fs::read_to_string(child.log()).unwrap();
    assert_eq!(child.log().file_name().unwrap(), "many-lines-odd-name.log");
    assert_eq!(log.lines().filter(|line| line.contains(" out ")).count(), 5000);
    assert!(log.lines().any(|line| line.ends_with(" err end")), "{log}");
    assert!(
        log.starts_with(&format!("--- pid {}: sh -c 'seq 1 5000;", child.pid())),
        "{log}"
    );
    let tail = child.tail();
    assert_eq!(tail.len(), 200);
    assert!(tail.contains(&"5000".to_owned()) && !tail.contains(&"1".to_owned()));
}

#[tokio::test]
async fn a_line_without_end_does_not_fill_the_memory() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell(
            "a",
            "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end",
        ))
        .unwrap();
    told(&child, "end").await;
    let longest = child.tail().iter().map(String::len).max().unwrap();
    assert_eq!(longest, 16 * 1024);
}

#[tokio::test]
async fn a_second_child_of_the_same_name_continues_the_log() {
    let bed = Bed::new();
    for word in ["first", "second"] {
        let child = bed
            .run
            .supervise(shell("order", &format!("echo {word}")))
            .unwrap();
        told(&child, word).await;
        child.ended(&generous()).await.unwrap();
        child.stop(Duration::ZERO).await.unwrap();
    }
    let log = std::fs::read_to_string(bed.run.dir().log("order")).unwrap();
    assert!(
        log.contains(" out first\n") && log.contains(" out second\n"),
        "{log}"
    );
}

#[cfg(target_os = "linux")] // for /dev/full
#[tokio::test]
async fn a_full_disk_ends_the_log_with_one_warning_and_not_the_child() {
    let mut bed = Bed::new();
    std::os::unix::fs::symlink("/dev/full", bed.run.dir().log("a")).unwrap();
    let child = bed
        .run
        .supervise(shell("a", "seq 1 100; echo listening; exec sleep 600"))
        .unwrap();
    told(&child, "listening").await;
    assert_eq!(child.exited(), None);
    let warnings = bed.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("No space left on device") && warnings[0].contains("a.log"),
        "{warnings:?}"
    );
    bed.run.finish().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_with_a_command_to_paste_and_leaves_no_entry() {
    let bed = Bed::new();
    let spec = ProcessSpec::new("kind", "no-such-program-here").args(["create", "my cluster"]);
    let error = bed.run.supervise(spec).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kind: program not found: `no-such-program-here create 'my cluster'`"
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("install no-such-program-here or put it on PATH")
    );
    assert_eq!(error.class(), Class::Prerequisite);
    assert!(bed.run.undo().names().is_empty());
}

#[tokio::test]
async fn what_cannot_be_run_says_why() {
    let bed = Bed::new();
    let file = bed.run.dir().file("plain");
    std::fs::write(&file, "no program").unwrap();
    let error = bed.run.supervise(ProcessSpec::new("a", &file)).unwrap_err();
    assert!(matches!(error, ProcessError::NotExecutable { .. }), "{error}");
    assert_eq!(error.hint().unwrap(), format!("`chmod +x {}`", file.display()));
    let error = bed
        .run
        .supervise(ProcessSpec::new("a", "sh").dir("/no/such/folder"))
        .unwrap_err();
    assert!(matches!(error, ProcessError::NoFolder { .. }), "{error}");
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
async fn a_call_is_on_the_undo_stack_while_it_runs_and_leaves_its_answer_in_a_log() {
    let bed = Bed::new();
    let (deadline, call) = (
        generous(),
        Call::new(shell(
            "kind create",
            "echo $THROUGHLINE_RUN; echo 'no node' >&2; exit 1",
        )),
    );
    let mut calling = std::pin::pin!(bed.run.call(&call, &deadline));
    assert!(futures_util::poll!(&mut calling).is_pending());
    assert_eq!(bed.run.undo().names(), ["kind create"]);
    let answer = calling.await.unwrap();
    assert_eq!(answer.text(), bed.run.id().as_str());
    assert!(bed.run.undo().names().is_empty());
    let log = std::fs::read_to_string(bed.run.dir().log("kind create")).unwrap();
    assert!(log.contains("no node\n--- exit code 1 after "), "{log}");
    let error = answer.success().unwrap_err();
    assert!(error.to_string().contains("\n  | no node"), "{error}");
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
