//! Entries that others need: left as long as those are not done, in the run itself and in every sweep after it.

use std::path::Path;
use std::time::Duration;

use testbed::{Deed, LeftBecause, Run, RunDir, Signals, SweepOptions, UndoReport, sweep};

use crate::bed::{Bed, options};

const LONG: Duration = Duration::from_secs(600);

/// Pushes credentials, a program that takes them and works once there is a gate, and a file that nobody needs.
fn fill(run: &Run) {
    let dir = run.dir();
    let undo = run.undo();
    for name in ["credentials", "program", "other"] {
        std::fs::write(dir.file(name), "").unwrap();
    }
    let remove = |name: &str| Deed::Remove { path: dir.file(name) };
    let credentials = undo.push("credentials", remove("credentials"));
    let program = undo.push("program", remove("program"));
    let script = "[ -e program ] && [ -e credentials ] && [ -e gate ]";
    let script = format!("cd '{}' && {script}", dir.path().display());
    let deed = Deed::command("sh", ["-c", &script], LONG);
    undo.push_needing("objects", deed, &[credentials, program]);
    undo.push("other", remove("other"));
}

fn files(dir: &Path) -> Vec<&'static str> {
    let names = ["credentials", "program", "other"];
    names.into_iter().filter(|name| dir.join(name).exists()).collect()
}

fn left(report: &UndoReport) -> Vec<(&str, &LeftBecause)> {
    let left = report.left.iter();
    left.map(|left| (left.name.as_str(), &left.because)).collect()
}

async fn swept(root: &Path, kept: bool) -> UndoReport {
    let options = SweepOptions {
        kept,
        signals: Signals::manual(),
        events: None,
    };
    let mut report = sweep(root, &options).await.unwrap();
    assert_eq!(report.swept.len(), 1, "{report:?}");
    report.swept.remove(0).undo
}

fn needed() -> LeftBecause {
    LeftBecause::Needed {
        by: "objects".to_owned(),
    }
}

#[tokio::test]
async fn what_a_failed_entry_needs_stays_and_the_next_sweep_can_try_again() {
    let bed = Bed::new();
    let (run, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
    fill(&run);
    let dir = run.dir().path().to_owned();
    let report = run.finish().await;
    assert_eq!(report.done, ["other"]);
    assert_eq!(report.failed[0].name, "objects");
    assert_eq!(
        left(&report),
        [("program", &needed()), ("credentials", &needed())]
    );
    assert!(!report.complete());
    assert_eq!(files(&dir), ["credentials", "program"]);
    drop(run);

    let report = swept(&bed.root(), false).await;
    assert_eq!(report.failed[0].name, "objects");
    assert_eq!(
        left(&report),
        [("program", &needed()), ("credentials", &needed())]
    );
    assert_eq!(files(&dir), ["credentials", "program"], "also after a sweep");

    std::fs::write(dir.join("gate"), "").unwrap();
    let report = swept(&bed.root(), false).await;
    assert_eq!(report.done, ["objects", "program", "credentials"]);
    assert!(report.complete());
    assert_eq!(files(&dir), [""; 0]);
    bed.run.finish().await;
}

#[tokio::test]
async fn what_a_kept_entry_needs_is_kept_with_it() {
    let bed = Bed::new();
    let (run, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
    let dir = run.dir().path().to_owned();
    let file = dir.join("credentials");
    std::fs::write(&file, "").unwrap();
    let credentials = run
        .undo()
        .push("credentials", Deed::Remove { path: file.clone() });
    let deed = Deed::command("test", ["-e", &file.display().to_string()], LONG);
    let cluster = run.undo().push_needing("cluster", deed, &[credentials]);
    run.undo().keep(cluster);
    let report = run.finish().await;
    assert!(report.complete() && file.exists(), "{report:?}");
    drop(run);
    let report = swept(&bed.root(), false).await;
    assert!(report.complete() && file.exists(), "{report:?}");
    let report = swept(&bed.root(), true).await;
    assert_eq!(report.done, ["cluster", "credentials"]);
    bed.run.finish().await;
}

#[tokio::test]
async fn what_a_done_entry_needed_is_undone() {
    let bed = Bed::new();
    fill(&bed.run);
    std::fs::write(bed.run.dir().file("gate"), "").unwrap();
    let report = bed.run.finish().await;
    assert!(report.complete(), "{report:?}");
    assert_eq!(files(bed.run.dir().path()), [""; 0]);
    let journal = std::fs::read_to_string(bed.run.dir().file(RunDir::JOURNAL)).unwrap();
    assert!(journal.contains(r#""needs":[1,2]"#), "{journal}");
}
