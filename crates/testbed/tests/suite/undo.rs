//! The undo stack of a living run.

use std::io;
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use testbed::{BoxError, Deed, Event, LeftBecause, Outcome, RunDir, Undo};

use crate::bed::{Bed, alive, gone, pids, shell, told};

const LONG: Duration = Duration::from_secs(600);

/// Entries that note that they were undone.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<&'static str>>>);

impl Notes {
    fn push(&self, undo: &Undo, name: &'static str, result: Result<(), io::Error>) {
        let notes = self.clone();
        undo.push_in_process(name, move || {
            async move {
                notes.0.lock().unwrap().push(name);
                result.map_err(BoxError::from)
            }
            .boxed()
        });
    }

    fn taken(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

/// What was told of entries that were left.
fn left(events: Vec<Event>) -> Vec<(String, LeftBecause)> {
    let left = events.into_iter().filter_map(|event| match event {
        Event::UndoLeft { name, because, .. } => Some((name, because)),
        _ => None,
    });
    left.collect()
}

#[tokio::test]
async fn the_last_comes_first_and_a_failure_stops_nothing() {
    let mut bed = Bed::new();
    let notes = Notes::default();
    notes.push(bed.run.undo(), "one", Ok(()));
    notes.push(bed.run.undo(), "two", Err(io::Error::other("busy")));
    bed.run
        .undo()
        .push_in_process("panics", || async { panic!("at {}", "noon") }.boxed());
    notes.push(bed.run.undo(), "three", Ok(()));
    let report = bed.run.finish().await;
    assert_eq!(notes.taken(), ["three", "two", "one"]);
    assert_eq!(report.done, ["three", "one"]);
    let failed: Vec<String> = report
        .failed
        .iter()
        .map(|failure| format!("{}: {}", failure.name, failure.error))
        .collect();
    assert_eq!(failed, ["panics: panicked while undoing: at noon", "two: busy"]);
    assert!(!report.complete());
    let told: Vec<(String, bool)> = bed
        .seen()
        .into_iter()
        .filter_map(|event| match event {
            Event::UndoFinished { name, outcome, .. } => Some((name, outcome == Outcome::Ok)),
            _ => None,
        })
        .collect();
    let expected = [("three", true), ("panics", false), ("two", false), ("one", true)];
    assert_eq!(told, expected.map(|(name, ok)| (name.to_owned(), ok)));
}

#[tokio::test]
async fn an_entry_that_hangs_is_given_up() {
    let bed = Bed::new();
    let limit = Duration::from_millis(50);
    bed.run
        .undo()
        .push_in_process_within("hangs", limit, || std::future::pending().boxed());
    let report = bed.run.finish().await;
    assert_eq!(report.failed[0].error.to_string(), "not undone within 50 ms");
}

#[tokio::test]
async fn an_entry_that_is_done_is_not_undone_again() {
    let bed = Bed::new();
    let notes = Notes::default();
    let id = bed
        .run
        .undo()
        .push_in_process("server", || async { panic!("was done already") }.boxed());
    notes.push(bed.run.undo(), "other", Ok(()));
    bed.run.undo().done(id);
    let report = bed.run.finish().await;
    assert_eq!(
        (report.done.as_slice(), report.complete()),
        (&["other".to_owned()][..], true)
    );
}

#[tokio::test]
async fn the_journal_speaks_before_the_deed() {
    let bed = Bed::new();
    let deed = Deed::command("kind", ["delete", "cluster", "--name", "throughline-7f3a"], LONG);
    bed.run.undo().push("kind cluster", deed);
    let journal = std::fs::read_to_string(bed.run.dir().file(RunDir::JOURNAL)).unwrap();
    let last: serde_json::Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    assert_eq!(last["push"]["name"], "kind cluster");
    assert_eq!(last["push"]["deed"]["deed"], "command");
    assert_eq!(last["push"]["deed"]["limit_ms"], 600_000.0);
}

#[tokio::test]
async fn a_command_gets_its_environment_its_limit_and_a_group_of_its_own() {
    let bed = Bed::new();
    let file = bed.run.dir().file("undone");
    let mut deed = Deed::command("sh", ["-c", "echo $WORD $THROUGHLINE_RUN > \"$FILE\""], LONG);
    if let Deed::Command { env, .. } = &mut deed {
        env.insert("WORD".to_owned(), "done".to_owned());
        env.insert("FILE".to_owned(), file.display().to_string());
    }
    bed.run.undo().push("good", deed);
    bed.run.undo().push(
        "bad",
        Deed::command("sh", ["-c", "echo 'no such cluster' >&2; exit 1"], LONG),
    );
    let pid = bed.run.dir().file("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
    bed.run.undo().push(
        "slow",
        Deed::command("sh", ["-c", &script], Duration::from_secs(1)),
    );
    let report = bed.run.finish().await;
    assert_eq!(report.done, ["good"]);
    let (slow, bad) = (
        report.failed[0].error.to_string(),
        report.failed[1].error.to_string(),
    );
    assert!(
        slow.starts_with("undo slow took longer than 1 s and was stopped: `sh -c "),
        "{slow}"
    );
    assert!(
        bad.contains("exit code 1") && bad.contains("no such cluster"),
        "{bad}"
    );
    assert_eq!(
        std::fs::read_to_string(file).unwrap().trim(),
        format!("done {}", bed.run.id())
    );
    gone(&[std::fs::read_to_string(pid).unwrap().trim().parse().unwrap()]).await;
}

#[tokio::test]
async fn only_what_belongs_to_the_run_is_removed() {
    let bed = Bed::new();
    let outside = tempfile::tempdir().unwrap();
    let precious = outside.path().join("precious");
    std::fs::write(&precious, "").unwrap();
    let dir = bed.run.dir();
    std::fs::create_dir_all(dir.file("mine/deep")).unwrap();
    symlink(outside.path(), dir.file("link")).unwrap();
    std::fs::write(bed.root().join("other"), "").unwrap();
    let undo = bed.run.undo();
    let refused = [
        precious.clone(),
        dir.file("link/precious"),
        dir.file(".."),
        dir.path().to_owned(),
        bed.root().join("other"),
        "relative".into(),
        std::env::temp_dir().join("throughline-0000-somebody-else"),
        "/".into(),
    ];
    for name in ["mine", "link", "never/was/there"] {
        undo.push(name, Deed::Remove { path: dir.file(name) });
    }
    for path in refused.clone() {
        undo.push("refused", Deed::Remove { path });
    }
    let report = bed.run.finish().await;
    assert_eq!(report.done, ["never/was/there", "link", "mine"]);
    assert_eq!(report.failed.len(), refused.len());
    for failure in &report.failed {
        assert!(
            failure.error.to_string().starts_with("refused to remove "),
            "{}",
            failure.error
        );
        assert!(failure.error.hint().unwrap().contains("rm -rf"));
    }
    assert!(precious.exists() && !dir.file("mine").exists() && !dir.file("link").exists());
}

#[tokio::test]
async fn a_link_beside_the_directory_is_removed_only_as_long_as_it_leads_into_it() {
    let bed = Bed::new();
    let name = bed.run.dir().path().file_name().unwrap().to_owned();
    let [ours, others, nothing] = ["ours", "others", "nothing"].map(|link| bed.root().join(link));
    symlink(std::path::Path::new(&name).join("a"), &ours).unwrap();
    symlink("0000/a", &others).unwrap();
    for path in [&ours, &others, &nothing] {
        let path = path.clone();
        bed.run.undo().push("link", Deed::Remove { path });
    }
    let report = bed.run.finish().await;
    assert!(report.complete(), "{report:?}");
    assert!(!ours.is_symlink() && others.is_symlink());
}

#[tokio::test]
async fn the_second_signal_skips_grace_and_what_runs_in_this_process() {
    let bed = Bed::new();
    let script = "trap '' TERM; sleep 600 & echo pids $!; while :; do wait; done";
    let child = bed.run.supervise(shell("stubborn", script).grace(LONG)).unwrap();
    let grandchild = pids(&child, "pids ").await;
    bed.run
        .undo()
        .push_in_process_within("server", LONG, || std::future::pending().boxed());
    bed.signals.raise();
    let begun = Instant::now();
    let mut finishing = std::pin::pin!(bed.run.finish());
    assert!(futures_util::poll!(&mut finishing).is_pending());
    bed.signals.raise();
    let report = finishing.await;
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
    assert_eq!(report.done, ["server", "stubborn"]);
    assert!(report.complete());
    gone(&grandchild).await;
}

#[tokio::test]
async fn the_third_signal_leaves_and_says_what_is_left() {
    let mut bed = Bed::new();
    let child = bed
        .run
        .supervise(shell("stubborn", "echo up; exec sleep 600"))
        .unwrap();
    told(&child, "up").await;
    bed.run
        .undo()
        .push_in_process("server", || async { Ok(()) }.boxed());
    bed.run
        .undo()
        .push("kind cluster", Deed::command("sleep", ["600"], LONG));
    for _ in 0..2 {
        bed.signals.raise();
    }
    let mut finishing = std::pin::pin!(bed.run.finish());
    assert!(futures_util::poll!(&mut finishing).is_pending());
    bed.signals.raise();
    let report = finishing.await;
    let left: Vec<(&str, &str)> = report
        .left
        .iter()
        .map(|left| (left.name.as_str(), left.by_hand.as_str()))
        .collect();
    let kill = format!("kill -- -{}", child.pid());
    assert_eq!(left, [("kind cluster", "sleep 600"), ("stubborn", kill.as_str())]);
    assert!(!report.complete());
    let told = ["kind cluster", "stubborn"].map(|name| (name.to_owned(), LeftBecause::NoTime));
    // The run is still borrowed by its end.
    let events = std::iter::from_fn(|| bed.events.try_recv()).collect();
    assert_eq!(self::left(events), told);
}

#[tokio::test]
async fn what_is_kept_stays_and_counts_as_complete() {
    let mut bed = Bed::new();
    let file = bed.run.dir().file("cluster");
    std::fs::write(&file, "").unwrap();
    let id = bed
        .run
        .undo()
        .push("cluster", Deed::Remove { path: file.clone() });
    bed.run.undo().keep(id);
    let child = bed.run.supervise(shell("a", "exec sleep 600")).unwrap();
    let report = bed.run.finish().await;
    assert_eq!(report.done, ["a"]);
    assert!(report.left[0].on_purpose() && report.complete());
    let told = [("cluster".to_owned(), LeftBecause::Kept)];
    assert_eq!(left(bed.seen()), told);
    assert!(file.exists() && !alive(i32::try_from(child.pid()).unwrap()));
}

#[cfg(target_os = "linux")] // elsewhere it cannot be seen
#[tokio::test]
async fn what_left_its_group_is_ended_with_the_run() {
    let mut bed = Bed::new();
    let script = "setsid sh -c 'trap \"\" TERM; echo escaped $$; exec sleep 600' & wait";
    let child = bed
        .run
        .supervise(shell("a", script).grace(Duration::ZERO))
        .unwrap();
    let escaped = pids(&child, "escaped ").await;
    child.stop(Duration::from_millis(100)).await.unwrap();
    assert!(
        alive(escaped[0]),
        "a group of its own is not in reach of the first stop"
    );
    bed.signals.raise();
    bed.signals.raise();
    assert!(bed.run.finish().await.complete());
    gone(&escaped).await;
    let told =
        |event| matches!(event, Event::Note { text } if text == "stopped 1 process that had left its group");
    assert!(bed.seen().into_iter().any(told));
}

#[tokio::test]
async fn two_can_unwind_at_once_and_each_entry_is_undone_once() {
    let bed = Bed::new();
    let notes = Notes::default();
    for name in ["one", "two", "three"] {
        notes.push(bed.run.undo(), name, Ok(()));
    }
    let (one, other) = tokio::join!(bed.run.finish(), bed.run.finish());
    assert_eq!(one.done.len() + other.done.len(), 3);
    assert_eq!(notes.taken().len(), 3);
}

#[tokio::test]
async fn a_process_entry_is_gone_once_the_process_was_stopped() {
    let bed = Bed::new();
    let child = bed.run.supervise(shell("a", "exec sleep 600")).unwrap();
    assert_eq!(bed.run.undo().names(), ["a"]);
    let soon = testbed::Deadline::after(Duration::from_millis(20));
    let error = child.ended(&soon).await.unwrap_err().to_string();
    assert!(error.starts_with("a still runs after "), "{error}");
    assert_eq!(bed.run.undo().names(), ["a"]);
    child.stop(Duration::from_secs(60)).await.unwrap();
    assert!(bed.run.undo().names().is_empty());
}
