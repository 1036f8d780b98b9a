//! Entries about something that other runs may use after the run that made it.

use std::path::{Path, PathBuf};

use testbed::{Deed, Lease, Leased, LeftBecause, Run, Signals, SweepOptions, UndoReport, sweep};

use crate::bed::{Bed, options};

const WHAT: &str = "the cluster";

/// A run that has kept a file under a lease; the file and the folder for locks.
async fn kept(bed: &Bed) -> (PathBuf, PathBuf) {
    let (run, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
    let (file, locks) = (run.dir().file("cluster"), bed.root().join("locks"));
    std::fs::write(&file, "").unwrap();
    let _lease = Lease::take(&locks, WHAT, "the run itself").unwrap();
    let leased = Leased {
        folder: locks.clone(),
        what: WHAT.to_owned(),
    };
    let deed = Deed::Remove { path: file.clone() };
    let id = run.undo().push_leased("cluster", deed, leased);
    run.undo().keep(id);
    assert!(run.finish().await.complete());
    (file, locks)
}

async fn down(root: &Path) -> UndoReport {
    let options = SweepOptions {
        kept: true,
        signals: Signals::manual(),
        events: None,
    };
    let mut report = sweep(root, &options).await.unwrap();
    assert!(report.complete(), "{report:?}");
    report.swept.remove(0).undo
}

#[tokio::test]
async fn what_another_run_uses_is_left_to_it() {
    let bed = Bed::new();
    let (file, locks) = kept(&bed).await;
    let user = Lease::take(&locks, WHAT, "run 8888 (pid 43)").unwrap();
    let report = down(&bed.root()).await;
    let by = "run 8888 (pid 43)".to_owned();
    assert_eq!(report.left[0].because, LeftBecause::InUse { by });
    assert!(file.exists());
    drop(user);
    assert_eq!(down(&bed.root()).await.done, ["cluster"]);
    assert!(!file.exists());
    Lease::take(&locks, WHAT, "run 9999").expect("the sweep holds it no longer");
    bed.run.finish().await;
}

#[tokio::test]
async fn the_run_that_has_the_lease_undoes_its_own() {
    let bed = Bed::new();
    let (file, locks) = (bed.run.dir().file("cluster"), bed.root().join("locks"));
    std::fs::write(&file, "").unwrap();
    let lease = Lease::take(&locks, WHAT, "the run itself").unwrap();
    let deed = Deed::Remove { path: file.clone() };
    bed.run
        .undo()
        .push_leased("cluster", deed, lease.leased().clone());
    assert_eq!(bed.run.finish().await.done, ["cluster"]);
    assert!(!file.exists());
}

#[tokio::test]
async fn nobody_can_begin_to_use_it_while_it_is_undone() {
    let bed = Bed::new();
    let (run, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
    let locks = bed.root().join("locks");
    let begun = run.dir().file("begun");
    let script = format!("echo > '{0}'; while [ -e '{0}' ]; do :; done", begun.display());
    let deed = Deed::command("sh", ["-c", &script], std::time::Duration::from_secs(600));
    let leased = Leased {
        folder: locks.clone(),
        what: WHAT.to_owned(),
    };
    run.undo().push_leased("cluster", deed, leased);
    let id = run.id().clone();
    drop(run);
    let root = bed.root();
    let looking = async {
        crate::bed::there(&begun).await;
        let error = Lease::take(&locks, WHAT, "run 9999").unwrap_err().to_string();
        std::fs::remove_file(&begun).unwrap();
        error
    };
    let (report, error) = tokio::join!(down(&root), looking);
    assert_eq!(report.done, ["cluster"]);
    assert!(
        error.starts_with(&format!("{WHAT} is in use by the undo of run {id} (pid ")),
        "{error}"
    );
    bed.run.finish().await;
}
