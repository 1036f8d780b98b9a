//! What a client makes of an adapter that babbles, hangs, dies, refuses, or answers what was not asked.

use std::path::PathBuf;
use std::time::Duration;

use debugger::{Breakpoint, DebugError, Launch, Prepared, Session, Tool};
use testbed::{Class, Deadline, Exit, Explain};

use crate::bed::{Bed, generous};

/// The stand-in, which behaves as the folder that it lies in is called.
fn fake(bed: &Bed, behaviour: &str) -> Tool {
    let folder = bed.folder.path().join(behaviour);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("lldb-dap");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_fake-adapter"), &path).unwrap();
    Tool::Lldb(path)
}

async fn launch(bed: &Bed, behaviour: &str, deadline: &Deadline) -> Result<Session, DebugError> {
    let tool = fake(bed, behaviour);
    Session::launch(&bed.run, &tool, "debugger", &Launch::new("/program"), deadline).await
}

async fn prepared(bed: &Bed, behaviour: &str) -> Prepared {
    let tool = fake(bed, behaviour);
    Prepared::start(&bed.run, &tool, "debugger", &generous())
        .await
        .unwrap()
}

fn line(line: u32) -> Breakpoint {
    Breakpoint {
        file: PathBuf::from("/src/a.rs"),
        line,
        condition: None,
    }
}

#[tokio::test]
async fn an_adapter_that_does_as_it_is_told_is_followed_to_the_end() {
    let bed = Bed::new();
    let mut session = launch(&bed, "well", &generous()).await.unwrap();
    session.break_at(&line(23), &generous()).await.unwrap();
    assert_eq!(session.go(&generous()).await.unwrap(), 4242);
    let process = session.process().clone();
    session.detach(&generous()).await.unwrap();
    // It is ended after its farewell, and may have been quicker.
    let ended = process.exited();
    assert!(
        matches!(ended, Some(Exit::Code(0) | Exit::Signal(15))),
        "{ended:?}"
    );
}

#[tokio::test]
async fn one_that_was_started_before_takes_a_program_later() {
    let bed = Bed::new();
    let prepared = prepared(&bed, "well").await;
    let mut session = Session::launch_with(prepared, &bed.run, &Launch::new("/program"), &generous())
        .await
        .unwrap();
    assert_eq!(session.go(&generous()).await.unwrap(), 4242);
}

#[tokio::test]
async fn one_that_was_started_before_and_died_is_named_when_it_is_needed() {
    let bed = Bed::new();
    let prepared = prepared(&bed, "refuses").await;
    bed.run.stop_strays("debugger", Duration::ZERO).await.unwrap();
    let error = Session::attach_with(prepared, &bed.run, 4242, &generous())
        .await
        .unwrap_err();
    assert!(matches!(error, DebugError::Gone { .. }), "{error}");
}

#[tokio::test]
async fn babble_is_quoted() {
    let bed = Bed::new();
    let error = launch(&bed, "babbles", &generous()).await.unwrap_err();
    assert!(matches!(error, DebugError::Babble { .. }), "{error}");
    assert!(error.to_string().contains("Welcome to the debugger!"), "{error}");
}

#[tokio::test]
async fn a_frame_with_a_wrong_length_is_babble() {
    let bed = Bed::new();
    let error = launch(&bed, "wrong-length", &generous()).await.unwrap_err();
    assert!(matches!(error, DebugError::Babble { .. }), "{error}");
}

#[tokio::test]
async fn an_adapter_that_hangs_is_given_up_at_the_deadline() {
    let bed = Bed::new();
    let limit = Deadline::after(Duration::from_secs(3));
    let error = launch(&bed, "hangs", &limit).await.unwrap_err();
    assert_eq!(error.to_string(), "lldb-dap did not launch within 3 s");
}

#[tokio::test]
async fn an_adapter_that_dies_is_named_with_its_exit_and_its_last_words() {
    let bed = Bed::new();
    let error = launch(&bed, "dies", &generous()).await.unwrap_err();
    let DebugError::Gone { exit, last_words, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*exit, Some(Exit::Code(0)));
    assert_eq!(last_words.as_deref(), Some("error: out of cheese"));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_adapters_words() {
    let bed = Bed::new();
    let error = launch(&bed, "refuses", &generous()).await.unwrap_err();
    assert_eq!(error.to_string(), "lldb-dap refused to launch: no such program");
}

#[tokio::test]
async fn a_stranger_s_answer_is_passed_over() {
    let bed = Bed::new();
    let mut session = launch(&bed, "stranger", &generous()).await.unwrap();
    assert_eq!(session.go(&generous()).await.unwrap(), 4242);
}

#[tokio::test]
async fn a_breakpoint_that_is_not_where_it_should_be_is_an_error() {
    let bed = Bed::new();
    let mut session = launch(&bed, "elsewhere", &generous()).await.unwrap();
    let error = session.break_at(&line(23), &generous()).await.unwrap_err();
    assert!(
        matches!(
            error,
            DebugError::Moved {
                asked: 23,
                got: 1,
                ..
            }
        ),
        "{error}"
    );
    let bed = Bed::new();
    let mut session = launch(&bed, "unverified", &generous()).await.unwrap();
    let error = session.break_at(&line(23), &generous()).await.unwrap_err();
    assert!(matches!(error, DebugError::NotPlaced { .. }), "{error}");
    assert!(error.hint().unwrap().contains("debug = \"full\""));
}

#[tokio::test]
async fn a_stop_that_is_no_breakpoint_and_an_end_are_told_apart() {
    let bed = Bed::new();
    let mut session = launch(&bed, "crashes", &generous()).await.unwrap();
    session.go(&generous()).await.unwrap();
    let error = session.stopped(&generous()).await.unwrap_err();
    assert!(error.to_string().contains("signal SIGSEGV"), "{error}");

    let bed = Bed::new();
    let mut session = launch(&bed, "ends", &generous()).await.unwrap();
    session.go(&generous()).await.unwrap();
    let error = session.stopped(&generous()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the debugged program ended (exit code 3), it should stop at the breakpoint"
    );
}

#[tokio::test]
async fn a_program_that_is_no_debugger_and_one_that_is_not_there_are_named() {
    let bed = Bed::new();
    let program = Launch::new("/program");
    for (path, words) in [
        ("/bin/true", "true is gone (exit code 0)"),
        ("/nowhere/lldb-dap", "program not found"),
    ] {
        let tool = Tool::Lldb(path.into());
        let error = Session::launch(&bed.run, &tool, "debugger", &program, &generous())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn the_interrupt_ends_every_wait() {
    let bed = Bed::new();
    let mut session = launch(&bed, "well", &generous()).await.unwrap();
    session.go(&generous()).await.unwrap();
    let deadline = bed.run.deadline(Duration::from_secs(120));
    bed.run.interrupted().cancel();
    let error = session.stopped(&deadline).await.unwrap_err();
    assert_eq!(error.class(), Class::Interrupted);
}
