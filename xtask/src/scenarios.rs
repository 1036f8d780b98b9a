//! The scenarios as a section of a pipeline: run `throughline e2e` to its end and count what it reports.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::artifact::{self, Binaries, EMBEDDED, THROUGHLINE};
use crate::command::{Invocation, Outcome};
use crate::counts::Counts;
use crate::section::Finding;
use crate::workspace::Workspace;

/// What came of playing every scenario.
pub(crate) struct Played {
    pub(crate) finding: Finding,
    /// The directory of the run; `None` when it did not get so far as to have a report.
    pub(crate) directory: Option<PathBuf>,
}

/// Plays every scenario in an environment.
pub(crate) fn play(workspace: &Workspace, environment: &str, flags: &[&str]) -> anyhow::Result<Played> {
    let binaries = match build(workspace, environment)? {
        Ok(binaries) => binaries,
        Err(outcome) => {
            let finding = Finding::single(outcome);
            return Ok(Played {
                finding,
                directory: None,
            });
        }
    };
    let root = root(&binaries)?;
    let newest = || std::fs::canonicalize(root.join("latest")).ok();
    let before = newest();
    let outcome = Invocation::new(binaries.get(THROUGHLINE)?)
        .args(["e2e", "--env", environment])
        .args(flags)
        .args([OsString::from("--root"), OsString::from(&root)])
        .run()?;
    let directory = newest().filter(|directory| Some(directory) != before.as_ref());
    let report = directory
        .as_ref()
        .and_then(|directory| std::fs::read(directory.join("report.json")).ok());
    Ok(match report {
        Some(report) => Played {
            finding: counted(outcome, &report)?,
            directory,
        },
        None => Played {
            finding: Finding::single(outcome),
            directory: None,
        },
    })
}

/// Compares two runs that were played.
pub(crate) fn parity(workspace: &Workspace, left: &Path, right: &Path) -> anyhow::Result<Finding> {
    match build(workspace, "kind")? {
        Ok(binaries) => Invocation::new(binaries.get(THROUGHLINE)?)
            .args(["parity", "--from"])
            .args([left, right])
            .run()
            .map(Finding::single),
        Err(outcome) => Ok(Finding::single(outcome)),
    }
}

fn build(workspace: &Workspace, environment: &str) -> anyhow::Result<Result<Binaries, Outcome>> {
    let features = match environment {
        "kind" => artifact::WITH_KIND,
        "containers" => artifact::WITH_CONTAINERS,
        _ => &[],
    };
    artifact::build(workspace, &EMBEDDED, features)
}

/// Where the run directories are: as the caller says, otherwise beside the profile folder, as `throughline` has it.
fn root(binaries: &Binaries) -> anyhow::Result<PathBuf> {
    if let Some(root) = std::env::var_os("THROUGHLINE_ROOT") {
        return Ok(PathBuf::from(root));
    }
    let target = binaries
        .folder()?
        .parent()
        .context("the folder of the binaries has no parent")?;
    Ok(target.join("throughline"))
}

/// Every scenario and every twin counts; one that stayed open did not pass, and a run that failed is a failure whatever its
/// report says.
fn counted(outcome: Outcome, report: &[u8]) -> anyhow::Result<Finding> {
    let report: Value = serde_json::from_slice(report).context("report.json is not JSON")?;
    let count = |name: &str| report["counts"][name].as_u64().unwrap_or(0);
    let mut counts = Counts {
        passed: count("passed"),
        failed: count("failed") + count("inconclusive"),
        skipped: count("skipped"),
    };
    if !outcome.is_success() && counts.failed == 0 {
        counts.failed = 1;
    }
    if outcome.is_success() && counts.passed == 0 {
        anyhow::bail!("`throughline e2e` ended well and reports nothing that passed");
    }
    Ok(Finding { outcome, counts })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &[u8] = br#"{"counts":{"passed":20,"failed":1,"inconclusive":2,"skipped":3}}"#;

    #[test]
    fn scenarios_that_stay_open_did_not_pass() {
        let counts = counted(Outcome::FAILURE, REPORT).expect("a report").counts;
        assert_eq!(
            counts,
            Counts {
                passed: 20,
                failed: 3,
                skipped: 3
            }
        );
    }

    #[test]
    fn a_run_that_failed_is_a_failure_whatever_its_report_says() {
        let report = br#"{"counts":{"passed":20,"failed":0,"inconclusive":0,"skipped":0}}"#;
        assert_eq!(
            counted(Outcome::FAILURE, report).expect("a report").counts.failed,
            1
        );
    }

    #[test]
    fn a_run_that_proves_nothing_is_not_green() {
        assert!(counted(Outcome::SUCCESS, b"{}").is_err());
    }
}
