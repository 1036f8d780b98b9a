//! Cleaning up after runners that were killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use testbed::sweep::SweptRun;
use testbed::{Deed, Run, RunDir, Signals, SweepOptions, SweepReport, sweep};

use crate::bed::{Bed, alive, gone, options, pids, shell, told};
use crate::signals::Runner;

const LONG: Duration = Duration::from_secs(600);

fn before_a_run() -> SweepOptions {
    SweepOptions {
        kept: false,
        signals: Signals::manual(),
        events: None,
    }
}

fn down() -> SweepOptions {
    SweepOptions {
        kept: true,
        ..before_a_run()
    }
}

/// A sweep that loses no time with what ignores SIGTERM.
fn in_a_hurry() -> SweepOptions {
    let signals = Signals::manual();
    signals.hurry().cancel();
    SweepOptions {
        signals,
        ..before_a_run()
    }
}

async fn swept(root: &Path, options: &SweepOptions) -> SweepReport {
    sweep(root, options).await.unwrap()
}

fn only(mut report: SweepReport) -> SweptRun {
    assert_eq!(report.swept.len(), 1, "{report:?}");
    report.swept.remove(0)
}

/// A run that ended without undoing anything, and its directory.
fn dropped(root: &Path, fill: impl FnOnce(&Run)) -> PathBuf {
    let (run, _events) = Run::begin(options(root, &Signals::manual())).unwrap();
    fill(&run);
    run.dir().path().to_owned()
}

/// A run that ended without removing its file `thing`.
fn left_a_thing(root: &Path) -> PathBuf {
    dropped(root, |run| {
        let path = run.dir().file("thing");
        std::fs::write(&path, "").unwrap();
        run.undo().push("thing", Deed::Remove { path });
    })
}

fn append(dir: &Path, text: &str) {
    use std::io::Write;
    let mut journal = std::fs::File::options()
        .append(true)
        .open(dir.join(RunDir::JOURNAL))
        .unwrap();
    journal.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn what_a_killed_runner_left_is_undone_in_reverse_and_only_once() {
    let bed = Bed::new();
    let runner = Runner::start(&bed, "run").await;
    runner.process.signal(Signal::KILL).unwrap();
    runner.process.ended(&crate::bed::generous()).await.unwrap();
    assert!(
        runner.children().iter().any(|&pid| alive(pid)),
        "nobody ended them"
    );

    let run = only(swept(&bed.root(), &in_a_hurry()).await);
    assert_eq!(run.run.as_str(), runner.run);
    assert_eq!(run.undo.done, ["stubborn", "polite", "the command"]);
    assert!(run.undo.complete() && run.damage.is_empty());
    gone(&runner.children()).await;
    let undone = run.dir.join("undone");
    assert_eq!(std::fs::read_to_string(&undone).unwrap(), "undone\n");

    let again = swept(&bed.root(), &down()).await;
    assert!(again.swept.is_empty() && again.complete(), "{again:?}");
    assert_eq!(again.clean, 1);
    assert_eq!(std::fs::read_to_string(&undone).unwrap(), "undone\n");
    bed.run.finish().await;
}

#[tokio::test]
async fn a_living_run_is_left_alone_and_named() {
    let bed = Bed::new();
    let runner = Runner::start(&bed, "run").await;
    let report = swept(&bed.root(), &down()).await;
    let mut live: Vec<(String, Option<u32>)> = report
        .live
        .iter()
        .map(|live| (live.run.to_string(), live.runner))
        .collect();
    let mut expected = vec![
        (bed.run.id().to_string(), Some(std::process::id())),
        (runner.run.clone(), Some(runner.process.pid())),
    ];
    live.sort();
    expected.sort();
    assert_eq!(live, expected);
    assert!(report.swept.is_empty() && report.clean == 0);
    assert!(runner.children().iter().all(|&pid| alive(pid)));
    // A runner that is killed in a hurry leaves its children: it is asked to undo without grace instead.
    runner.process.signal(Signal::TERM).unwrap();
    told(&runner.process, "interrupted").await;
    runner.process.signal(Signal::TERM).unwrap();
    runner.process.ended(&crate::bed::generous()).await.unwrap();
    gone(&runner.children()).await;
    bed.run.finish().await;
}

#[tokio::test]
async fn a_process_that_the_journal_does_not_know_is_found_by_its_mark() {
    let bed = Bed::new();
    let dir = dropped(&bed.root(), |_| ());
    let id = dir.file_name().unwrap().to_str().unwrap();
    let other = format!("{}x", dir.display());
    // One of the dead run; one of a run with the same name in another checkout; one of ours.
    let start = |name: &str, dir: &str| {
        // Between fork and exec a child shows the environment that the shell itself began with.
        let script = "export THROUGHLINE_RUN=$1 THROUGHLINE_RUN_DIR=$2; sleep 600 & \
                      until grep -q THROUGHLINE_RUN_DIR=$2 /proc/$!/environ; do sleep 0.01; done; echo pid $!; wait";
        bed.run
            .supervise(shell(name, script).args(["sh", id, dir]))
            .unwrap()
    };
    let (theirs, namesake) = (start("theirs", dir.to_str().unwrap()), start("namesake", &other));
    let (stray, namesake) = (pids(&theirs, "pid ").await, pids(&namesake, "pid ").await);
    let run = only(swept(&bed.root(), &before_a_run()).await);
    assert_eq!((run.strays, run.undo.complete()), (1, true));
    gone(&stray).await;
    assert!(alive(namesake[0]));
    bed.run.finish().await;
}

#[tokio::test]
async fn a_number_that_went_to_another_process_is_left_alone() {
    let bed = Bed::new();
    let child = bed.run.supervise(shell("innocent", "exec sleep 600")).unwrap();
    let pid = i32::try_from(child.pid()).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let start: u64 = stat
        .rsplit_once(") ")
        .unwrap()
        .1
        .split(' ')
        .nth(19)
        .unwrap()
        .parse()
        .unwrap();
    let left = |start: u64| {
        let dir = dropped(&bed.root(), |run| {
            run.undo().push(
                "order",
                Deed::Process {
                    run: run.id().clone(),
                    name: "order".to_owned(),
                },
            );
        });
        append(
            &dir,
            &format!(
                "{{\"seq\":1,\"at\":\"2025-01-01T00:00:00Z\",\"process\":{{\"pid\":{pid},\"start_time\":{start}}}}}\n"
            ),
        );
    };
    left(start - 1);
    let run = only(swept(&bed.root(), &before_a_run()).await);
    assert_eq!(run.undo.done, ["order"]);
    assert!(alive(pid), "another start time is another process");
    left(start);
    only(swept(&bed.root(), &before_a_run()).await);
    gone(&[pid]).await;
}

#[tokio::test]
async fn a_line_that_was_cut_short_is_no_damage() {
    let bed = Bed::new();
    let dir = left_a_thing(&bed.root());
    append(&dir, r#"{"seq":2,"at":"2025-01-01T00:00:00Z","push":{"na"#);
    let run = only(swept(&bed.root(), &before_a_run()).await);
    assert_eq!((run.undo.done.len(), run.damage.len()), (1, 0));
    assert!(!dir.join("thing").exists());
    assert_eq!(swept(&bed.root(), &before_a_run()).await.clean, 1);
}

#[tokio::test]
async fn a_corrupt_journal_is_reported_and_the_rest_of_it_done() {
    let bed = Bed::new();
    let dir = left_a_thing(&bed.root());
    append(&dir, "\0\0\0 not a line\n{\"seq\":9}\n");
    let report = swept(&bed.root(), &before_a_run()).await;
    assert!(!report.complete());
    let run = only(report);
    assert_eq!(run.undo.done, ["thing"]);
    assert_eq!(
        run.damage.iter().map(|damage| damage.line).collect::<Vec<_>>(),
        [3, 4]
    );
}

#[tokio::test]
async fn a_deed_that_fails_stays_for_the_next_sweep() {
    let bed = Bed::new();
    let dir = dropped(&bed.root(), |run| {
        let gate = run.dir().file("gate").display().to_string();
        run.undo()
            .push("gated", Deed::command("test", ["-e", &gate], LONG));
        run.undo().push(
            "outside",
            Deed::Remove {
                path: "/etc/hostname".into(),
            },
        );
    });
    let run = only(swept(&bed.root(), &before_a_run()).await);
    let failed: Vec<&str> = run
        .undo
        .failed
        .iter()
        .map(|failure| failure.name.as_str())
        .collect();
    assert_eq!(failed, ["outside", "gated"]);
    assert!(run.undo.failed[0].error.hint().is_some());
    std::fs::write(dir.join("gate"), "").unwrap();
    let run = only(swept(&bed.root(), &before_a_run()).await);
    assert_eq!(run.undo.done, ["gated"]);
    assert!(Path::new("/etc/hostname").exists());
}

#[tokio::test]
async fn what_was_kept_waits_for_down() {
    let bed = Bed::new();
    let dir = dropped(&bed.root(), |run| {
        for name in ["kept", "not kept"] {
            std::fs::write(run.dir().file(name), "").unwrap();
            let id = run.undo().push(
                name,
                Deed::Remove {
                    path: run.dir().file(name),
                },
            );
            if name == "kept" {
                run.undo().keep(id);
            }
        }
    });
    let run = only(swept(&bed.root(), &before_a_run()).await);
    assert!(run.undo.complete() && run.undo.left[0].on_purpose(), "{run:?}");
    assert_eq!(
        (dir.join("kept").exists(), dir.join("not kept").exists()),
        (true, false)
    );
    assert!(run.did_something());
    let run = only(swept(&bed.root(), &before_a_run()).await);
    assert!(!run.did_something(), "what is left is kept: {run:?}");
    let run = only(swept(&bed.root(), &down()).await);
    assert_eq!(run.undo.done, ["kept"]);
    assert!(!dir.join("kept").exists());
}

#[tokio::test]
async fn an_interrupted_sweep_leaves_the_rest_to_the_next_one() {
    let bed = Bed::new();
    dropped(&bed.root(), |run| {
        for name in ["one", "two"] {
            run.undo().push(name, Deed::command("true", [""; 0], LONG));
        }
    });
    let options = before_a_run();
    options.signals.raise();
    let run = only(swept(&bed.root(), &options).await);
    assert_eq!((run.undo.left.len(), run.undo.complete()), (2, false));
    let run = only(swept(&bed.root(), &before_a_run()).await);
    assert_eq!(run.undo.done, ["two", "one"]);
}

#[tokio::test]
async fn the_third_signal_leaves_a_deed_that_hangs() {
    let bed = Bed::new();
    dropped(&bed.root(), |run| {
        run.undo().push("hangs", Deed::command("sleep", ["600"], LONG));
    });
    let options = before_a_run();
    let root = bed.root();
    let mut sweeping = std::pin::pin!(sweep(&root, &options));
    assert!(futures_util::poll!(&mut sweeping).is_pending());
    for _ in 0..3 {
        options.signals.raise();
    }
    let run = only(sweeping.await.unwrap());
    assert_eq!(run.undo.left[0].by_hand, "sleep 600");
}

#[tokio::test]
async fn two_sweeps_at_once_do_each_deed_once() {
    let bed = Bed::new();
    let dir = dropped(&bed.root(), |run| {
        let file = run.dir().file("undone").display().to_string();
        run.undo().push(
            "one",
            Deed::command("sh", ["-c", "echo undone >> \"$1\"", "sh", &file], LONG),
        );
    });
    let (root, options) = (bed.root(), before_a_run());
    let (one, other) = tokio::join!(swept(&root, &options), swept(&root, &options));
    assert_eq!(one.swept.len() + other.swept.len(), 1, "{one:?} {other:?}");
    assert_eq!(std::fs::read_to_string(dir.join("undone")).unwrap(), "undone\n");
}

#[tokio::test]
async fn a_root_that_is_not_there_is_clean_one_that_is_a_file_is_an_error() {
    let bed = Bed::new();
    let nowhere = bed.root().join("nowhere");
    assert!(swept(&nowhere, &down()).await.complete());
    assert!(!nowhere.exists(), "a look leaves no trace");
    std::fs::write(&nowhere, "").unwrap();
    let error = sweep(&nowhere, &down()).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[tokio::test]
async fn what_is_no_run_is_not_touched() {
    let bed = Bed::new();
    std::fs::create_dir(bed.root().join("notes")).unwrap();
    std::fs::write(bed.root().join("beef"), "a file").unwrap();
    let report = swept(&bed.root(), &down()).await;
    assert_eq!((report.clean, report.swept.len(), report.live.len()), (0, 0, 1));
    assert_eq!(std::fs::read_dir(bed.root().join("notes")).unwrap().count(), 0);
}
