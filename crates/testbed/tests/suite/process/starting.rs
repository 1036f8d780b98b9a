//! What a child is started with, what a call leaves behind, and what is said when a program cannot be started.

use testbed::{Call, Class, Explain, ProcessError, ProcessSpec};

use crate::bed::{Bed, generous, shell, told};

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
