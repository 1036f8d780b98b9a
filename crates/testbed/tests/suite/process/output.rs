//! The log file and the tail of a child: what they hold, where they stop, and what a full disk does to them.

use std::time::Duration;

use testbed::Event;
use testbed::wait::{self, Probe};

use crate::bed::{Bed, generous, pids, shell, told};

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
async fn lines_are_told_as_events_only_of_those_that_asked_for_it() {
    let mut bed = Bed::new();
    for spec in [
        shell("quiet", "echo nothing to see"),
        shell("loud", "echo one; echo two >&2; exit 3").told(),
    ] {
        let child = bed.run.supervise(spec).unwrap();
        child.ended(&generous()).await.unwrap();
    }
    let mut lines: Vec<String> = bed
        .seen()
        .into_iter()
        .filter_map(|event| match event {
            Event::ProcessPrinted { process, line } => Some(format!("{process}: {line}")),
            _ => None,
        })
        .collect();
    lines.sort();
    assert_eq!(lines, ["loud: one", "loud: two"]);
}

#[cfg(target_os = "linux")] // for /proc
#[tokio::test]
async fn members_are_the_group_and_whoever_left_it() {
    let bed = Bed::new();
    let child = bed
        .run
        .supervise(shell(
            "family",
            "sleep 600 & one=$!; setsid sleep 600 & echo pids $$ $one; wait",
        ))
        .unwrap();
    let stranger = bed.run.supervise(shell("stranger", "exec sleep 600")).unwrap();
    let known = pids(&child, "pids ").await;
    let look = || async {
        match child.members() {
            members if members.len() == 3 => Probe::<_, std::convert::Infallible>::Ready(members),
            members => Probe::not_yet(format!("{members:?}")),
        }
    };
    let members = wait::until(&generous(), "three members", look).await.unwrap();
    for pid in known {
        assert!(members.contains(&pid.cast_unsigned()), "{pid} in {members:?}");
    }
    assert!(!members.contains(&stranger.pid()));
    bed.run.finish().await;
}

#[tokio::test]
async fn secrets_are_in_no_log_and_no_tail_but_in_an_answer() {
    let bed = Bed::new();
    let said = "echo token=hunter2; echo password=hunter2 >&2";
    let child = bed.run.supervise(shell("order", said)).unwrap();
    let deadline = generous();
    let line = child.line(&deadline, |line| {
        line.strip_prefix("token=").map(ToOwned::to_owned)
    });
    assert_eq!(line.await.unwrap(), "hunter2", "whoever asked for it gets it");
    child.ended(&generous()).await.unwrap();
    let printed = |lines: &[String]| lines.iter().filter(|line| line.contains("[redacted]")).count();
    assert_eq!(printed(&child.tail()), 2, "{:?}", child.tail());

    let call = testbed::Call::new(shell("kind", &format!("{said}; exit 1")));
    let answer = bed.run.call(&call, &generous()).await.unwrap();
    assert_eq!(answer.text(), "token=hunter2");
    assert_eq!(answer.stderr, "password=[redacted]\n", "errors are made of it");
    for name in ["order", "kind"] {
        let log = std::fs::read_to_string(bed.run.dir().log(name)).unwrap();
        let lines = log.lines().filter(|line| !line.starts_with("--- "));
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines.iter().all(|line| line.contains("[redacted]")), "{log}");
    }
}
