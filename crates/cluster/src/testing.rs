//! What the tests of this crate share: programs that are scripts, a path on which only these and the system's are found, and a run.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use testbed::{EnvironmentName, EventReceiver, Run, RunOptions, Signals};

use crate::tool::ToolPath;

/// Makes a program of this script for the shell.
pub(crate) fn executable(file: &Path, script: &str) {
    std::fs::write(file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The tools in this folder, and those of the system behind them.
pub(crate) fn tools_in(folder: &Path) -> ToolPath {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    ToolPath::from_lookup(|key| (key == "PATH").then(|| path.clone().into()))
}

/// A run with its directory below this folder, that only the test interrupts.
pub(crate) fn run(folder: &Path) -> (Run, EventReceiver) {
    Run::begin(RunOptions {
        root: folder.join("runs"),
        environment: EnvironmentName::Kind,
        keep: false,
        signals: Signals::manual(),
    })
    .unwrap()
}
