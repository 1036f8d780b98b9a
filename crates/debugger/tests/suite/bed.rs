//! What the tests of this suite share: a run in a folder of its own.

use std::path::Path;
use std::time::Duration;

use testbed::{Deadline, EnvironmentName, Run, RunOptions, Signals};

/// A run in a folder of its own.
pub(crate) struct Bed {
    pub(crate) run: Run,
    pub(crate) folder: tempfile::TempDir,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = RunOptions {
            root: folder.path().join("runs"),
            environment: EnvironmentName::Embedded,
            keep: false,
            signals: Signals::manual(),
        };
        let (run, _events) = Run::begin(options).unwrap();
        Self { run, folder }
    }
}

/// Long enough for a busy machine.
pub(crate) fn generous() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

/// Whether a process lives; a zombie does not.
pub(crate) fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    })
}
