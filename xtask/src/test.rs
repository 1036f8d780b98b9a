//! `cargo xtask test`: every test that needs no cluster and no containers, with one closing line.

use std::ffi::OsString;

use crate::artifact::{self, EMBEDDED};
use crate::command::{self, Invocation, Outcome};
use crate::counts::{Counts, Tally};
use crate::programs::Programs;
use crate::section::Finding;
use crate::workspace::Workspace;

/// Runs the tests and prints the closing line.
pub(crate) fn run(workspace: &Workspace, args: Vec<OsString>) -> anyhow::Result<Outcome> {
    let (outcome, counts) = tests(workspace, args)?;
    command::print(format!("\n{counts}\n").as_bytes())?;
    if outcome.is_success() && counts.total() == 0 {
        command::say("error: no test ran");
        command::say("hint: the filter matches no test; `cargo xtask test -- --list` shows them all");
        return Ok(Outcome::USAGE);
    }
    Ok(outcome)
}

/// Builds the binaries that the tests in `tests/e2e` start, then runs `cargo test` with the given arguments.
pub(crate) fn tests(workspace: &Workspace, args: Vec<OsString>) -> anyhow::Result<(Outcome, Counts)> {
    let binaries = match artifact::build(workspace, &EMBEDDED, &[])? {
        Ok(binaries) => binaries,
        Err(outcome) => return Ok((outcome, Tally::default().total(false))),
    };
    let selects = args
        .iter()
        .any(|argument| selects_packages(&argument.to_string_lossy()));
    let mut tally = Tally::default();
    let outcome = Invocation::cargo()
        .folder(workspace.root())
        .default_variable("THROUGHLINE_BIN_DIR", binaries.folder()?)
        .args(["test", "--no-fail-fast"])
        .args((!selects).then_some("--workspace"))
        .args(args)
        .run_reading(|line| tally.line(line))?;
    Ok((outcome, tally.total(outcome.is_success())))
}

/// Runs the tests that make clusters. The whole workspace is named and not the one package, so that cargo takes the same
/// features as for all other tests and compiles nothing twice.
pub(crate) fn clusters(workspace: &Workspace) -> anyhow::Result<Finding> {
    let mut tally = Tally::default();
    let outcome = Invocation::cargo()
        .folder(workspace.root())
        // They take programs from `PATH`, as their users' machines have them; a pipeline may have downloaded them before.
        .variable("PATH", Programs::here(&[]).search_path()?)
        .args(["test", "--no-fail-fast", "--workspace"])
        .args(artifact::WITH_KIND)
        .args(["--test", "kind"])
        .run_reading(|line| tally.line(line))?;
    let counts = tally.total(outcome.is_success());
    anyhow::ensure!(counts.total() > 0, "no test ran");
    Ok(Finding { outcome, counts })
}

/// Runs the tests of the environment in containers.
pub(crate) fn containers(workspace: &Workspace) -> anyhow::Result<Finding> {
    let binaries = match artifact::build(workspace, &EMBEDDED, artifact::WITH_CONTAINERS)? {
        Ok(binaries) => binaries,
        Err(outcome) => return Ok(Finding::single(outcome)),
    };
    let mut tally = Tally::default();
    let outcome = Invocation::cargo()
        .folder(workspace.root())
        .default_variable("THROUGHLINE_BIN_DIR", binaries.folder()?)
        .args(["test", "--no-fail-fast"])
        .args(EMBEDDED.iter().flat_map(|package| ["-p", package]))
        .args(artifact::WITH_CONTAINERS)
        .args(["--test", "suite", "containers::"])
        .run_reading(|line| tally.line(line))?;
    let counts = tally.total(outcome.is_success());
    anyhow::ensure!(counts.total() > 0, "no test ran");
    Ok(Finding { outcome, counts })
}

/// Whether an argument of `cargo test` says which packages to test.
fn selects_packages(argument: &str) -> bool {
    ["-p", "--package", "--workspace", "--manifest-path"]
        .iter()
        .any(|flag| argument.starts_with(flag))
}
