//! What the tests here share: a machine that is looked at before and after, a world for each test whose leftovers are found again,
//! one test at a time.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::machine::{Machine, PREFIX, output};
use crate::program::{BASELINE, INTERCEPTED, World, json_lines};

/// The run that is ended.
pub(crate) const RUN: [&str; 6] = ["e2e", "--env", "kind", "--no-twins", "--scenario", INTERCEPTED];
/// The same on a cluster that stays.
pub(crate) const KEPT: [&str; 7] = [
    "e2e",
    "--env",
    "kind",
    "--no-twins",
    "--scenario",
    INTERCEPTED,
    "--keep",
];
/// A run that needs nothing, and finishes the undo of killed ones before it begins, as every run does.
pub(crate) const NEXT: [&str; 6] = ["e2e", "--env", "embedded", "--no-twins", "--scenario", BASELINE];

/// One test's world.
pub(crate) struct Bed {
    pub(crate) world: World,
    folder: PathBuf,
    temporary: PathBuf,
    before: Machine,
    // The machine has one Telepresence connection, and little memory.
    _alone: MutexGuard<'static, ()>,
}

impl Bed {
    /// A quiet machine: what an earlier test that failed has left is taken down.
    pub(crate) fn new(name: &str) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kind").join(name);
        let temporary = folder.join("tmp");
        std::fs::create_dir_all(&temporary).expect("a folder");
        let world = world(&folder);
        world.run(&["down"]).expect_code(0);
        let before = Machine::now(&temporary);
        assert!(before.nodes.is_empty(), "{before:#?}");
        Self {
            world,
            folder,
            temporary,
            before,
            _alone: alone,
        }
    }

    /// The same world once more, for a program with a variable of its own.
    pub(crate) fn world_with(&self, name: &'static str, value: impl Into<OsString>) -> World {
        let mut world = world(&self.folder);
        world.variables.push((name, value.into()));
        world
    }

    /// A folder in it, for other things than runs.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// The nodes of the tests' clusters.
    pub(crate) fn nodes(&self) -> Vec<String> {
        Machine::now(&self.temporary).nodes.into_iter().collect()
    }

    /// The kept cluster.
    #[track_caller]
    pub(crate) fn kept(&self) -> String {
        let nodes = self.nodes();
        assert_eq!(nodes.len(), 1, "{nodes:?}");
        nodes[0].trim_end_matches("-control-plane").to_owned()
    }

    /// The container of its node.
    #[track_caller]
    pub(crate) fn node(&self) -> String {
        format!("{}-control-plane", self.kept())
    }

    /// Runs a command, made of words, in the kept cluster's node.
    #[track_caller]
    pub(crate) fn in_node(&self, command: &str) -> String {
        let node = self.node();
        let args = ["exec", &node].into_iter().chain(command.split(' '));
        output("docker", args)
    }

    /// Asks kubectl in there.
    #[track_caller]
    pub(crate) fn kubectl(&self, command: &str) -> String {
        self.in_node(&format!(
            "kubectl --kubeconfig /etc/kubernetes/admin.conf {command}"
        ))
    }

    /// Waits until the machine is as it was at the beginning, and no process of this run is left.
    #[track_caller]
    pub(crate) fn expect_clean(&self, run: &str) {
        self.before.expect_again(&self.temporary, run);
    }

    /// From here on, the machine as it is now is what runs must leave.
    pub(crate) fn settle(&mut self) {
        self.before = Machine::now(&self.temporary);
    }

    /// Plays a run to its end, and returns its events.
    #[track_caller]
    pub(crate) fn play(&self, args: &[&str]) -> Vec<Value> {
        let mut running = self.world.start(args);
        let run = running.run_id();
        running.finish().expect_code(0);
        json_lines(&self.directory(&run).join("events.jsonl"))
    }

    /// The directory of a run.
    pub(crate) fn directory(&self, run: &str) -> PathBuf {
        self.world.root().join(run)
    }

    /// Takes down what was kept.
    #[track_caller]
    pub(crate) fn down(&self) {
        self.world.run(&["down"]).expect_code(0);
    }
}

fn world(folder: &Path) -> World {
    // Locks are the machine's, not the test's: they stay where every run of this user looks for them.
    let locks = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    World {
        folder: folder.to_owned(),
        variables: vec![
            ("TMPDIR", folder.join("tmp").into()),
            ("XDG_RUNTIME_DIR", locks.into()),
            ("THROUGHLINE_CLUSTER_PREFIX", PREFIX.into()),
        ],
        _temporary: None,
    }
}

/// Plays all cases, says how long each took, and tells those that failed when all are through.
pub(crate) fn each<F: Fn(&Bed)>(cases: impl IntoIterator<Item = (String, F)>, bed: &Bed) {
    let mut failed = Vec::new();
    let mut played = 0;
    for (name, play) in cases {
        let begun = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| play(bed)));
        let word = if ended.is_ok() { "ok  " } else { "FAIL" };
        eprintln!("{word} {:6.2} s  {name}", begun.elapsed().as_secs_f64());
        played += 1;
        if ended.is_err() {
            failed.push(name);
        }
    }
    assert!(played > 0, "nothing was played");
    assert!(failed.is_empty(), "{failed:#?}");
}

impl Drop for Bed {
    /// A test that failed leaves no cluster either.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let finished = self.world.run(&["down"]);
            eprintln!("down after a failure: {finished:?}");
        }
    }
}
