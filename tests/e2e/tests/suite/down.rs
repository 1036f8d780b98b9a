//! `throughline down` after runs that left something behind.

use std::path::{Path, PathBuf};

use testbed::{Deed, EnvironmentName, Lease, Run, RunDir, RunOptions, Signals};

use crate::program::{BASELINE, World};

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

/// A run that left something that is never removed, something that needs it, and a line that nobody can read.
fn troubled(world: &World) -> String {
    let dir = dropped(world, |run| {
        let needed = run.undo().push("program", touch(run, "program"));
        let path = "/etc/hostname".into();
        run.undo()
            .push_needing("outside", Deed::Remove { path }, &[needed]);
    });
    let journal = dir.join(RunDir::JOURNAL);
    let mut text = std::fs::read_to_string(&journal).expect("a journal");
    text.push_str("not a line\n");
    std::fs::write(&journal, text).expect("a journal");
    let id = dir.file_name().expect("a name");
    id.to_str().expect("an id").to_owned()
}

#[test]
fn what_can_not_be_undone_is_told_with_its_hint_and_so_is_damage() {
    let world = World::new();
    let run = troubled(&world);
    let finished = world.run(&["down"]).expect_code(14);
    for told in [
        format!("run {run}: 0 undone\n"),
        "  FAIL  outside: refused to remove /etc/hostname: ".to_owned(),
        "        hint: look at it, then `rm -rf /etc/hostname`\n".to_owned(),
        "  FAIL  program: not tried: needed by outside, which is not undone\n".to_owned(),
        "  FAIL  journal line 4: ".to_owned(),
        "        hint: what it announced is not known: look at `".to_owned(),
    ] {
        assert!(finished.stdout.contains(&told), "{told}\n{}", finished.stdout);
    }
}

#[test]
fn the_next_run_does_not_call_a_failed_undo_finished() {
    let world = World::new();
    let run = troubled(&world);
    let mut running = world.start(&["e2e", "--scenario", BASELINE, "--no-twins"]);
    running.until("the last warning", |event| {
        let text = event["text"].as_str().unwrap_or_default();
        event["event"] == "warning" && text.contains("journal line 4: ")
    });
    let told: Vec<(&str, &str)> = running
        .seen
        .iter()
        .filter_map(|event| Some((event["event"].as_str()?, event["text"].as_str()?)))
        .collect();
    let beginning = format!("the undo of run {run}, which was killed, is not finished: ");
    assert_eq!(told.len(), 3, "{told:?}");
    for (event, text) in told {
        assert!(event == "warning" && text.starts_with(&beginning), "{text}");
    }
    let hints = running.seen.iter().filter_map(|event| event["hint"].as_str());
    let hints: Vec<&str> = hints.collect();
    assert_eq!(hints[0], "look at it, then `rm -rf /etc/hostname`");
    assert_eq!(hints[1], "`cargo xtask down` tries again");
    running.finish().expect_code(0);
}
