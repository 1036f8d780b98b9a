//! The scenarios as a section of a pipeline: run `throughline e2e` to its end and count what it reports.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use crate::artifact::{self, Binaries, EMBEDDED, THROUGHLINE};
use crate::command::{Invocation, Outcome};
use crate::counts::Counts;
use crate::section::Finding;
use crate::workspace::Workspace;

/// Plays every scenario in an environment.
pub(crate) fn section(workspace: &Workspace, environment: &str) -> anyhow::Result<Finding> {
    let features = if environment == "kind" {
        artifact::WITH_KIND
    } else {
        &[]
    };
    let binaries = match artifact::build(workspace, &EMBEDDED, features)? {
        Ok(binaries) => binaries,
        Err(outcome) => return Ok(Finding::single(outcome)),
    };
    let root = root(&binaries)?;
    let outcome = Invocation::new(binaries.get(THROUGHLINE)?)
        .args(["e2e", "--env", environment, "--root"])
        .args([OsString::from(&root)])
        .run()?;
    Ok(match std::fs::read(root.join("latest/report.json")) {
        Ok(report) => counted(outcome, &report)?,
        Err(_) => Finding::single(outcome),
    })
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

/// Every scenario and every twin counts; one that stayed open did not pass. A run that failed before it had a report
/// finds an older one, and is a failure all the same.
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
    fn a_run_that_failed_is_a_failure_whatever_an_older_report_says() {
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
