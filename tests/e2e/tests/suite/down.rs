//! `throughline down` after runs that left something behind.

use std::path::{Path, PathBuf};

use testbed::{Deed, EnvironmentName, Lease, Run, RunOptions, Signals};

use crate::program::World;

/// A run in this world that ended without undoing what it was filled with; its directory.
fn dropped(world: &World, fill: impl FnOnce(&Run)) -> PathBuf {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = RunOptions {
            root: world.root(),
            environment: EnvironmentName::Embedded,
            keep: true,
            signals: Signals::manual(),
        };
        let (run, _events) = Run::begin(options).expect("a run");
        fill(&run);
        run.dir().path().to_owned()
    })
}

fn touch(run: &Run, name: &str) -> Deed {
    let path = run.dir().file(name);
    std::fs::write(&path, "").expect("a file");
    Deed::Remove { path }
}

fn take(locks: &Path) -> Lease {
    Lease::take(locks, "kind cluster tl-kept-1234", "run 8888 (pid 43)").expect("nobody has it")
}

#[test]
fn a_kept_cluster_in_use_stays_and_its_user_is_named() {
    let world = World::new();
    let locks = world.folder.join("locks");
    let user = take(&locks);
    let dir = dropped(&world, |run| {
        let leased = user.leased().clone();
        let id = run
            .undo()
            .push_leased("kind cluster tl-kept-1234", touch(run, "cluster"), leased);
        run.undo().keep(id);
    });
    let finished = world.run(&["down"]).expect_code(0);
    let told = "  stay  kind cluster tl-kept-1234: in use by run 8888 (pid 43)\n";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
    assert!(dir.join("cluster").exists());
    drop(user);
    let finished = world.run(&["down"]).expect_code(0);
    let told = "  ok    kind cluster tl-kept-1234\n";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
    assert!(!dir.join("cluster").exists());
}
