//! `cargo xtask check` and `cargo xtask ci`: sections that all run, and one report of every failure at the end.

use std::time::{Duration, Instant};

use crate::command::{self, Invocation, Outcome};
use crate::counts::Counts;
use crate::lane::{self, Kind, Pipeline};
use crate::workspace::Workspace;
use crate::{interrupt, scenarios, test, tidy};

/// One part of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The code is formatted.
    Format,
    /// What neither compiler nor lints can see.
    Tidy,
    /// The lint table, as errors.
    Lint,
    /// Every test of the workspace.
    Test,
    /// The documentation builds, with every link going somewhere.
    Documentation,
    /// The main job in the environment that needs nothing but this repository.
    EndToEnd,
    /// The same on real Kubernetes, with the real Telepresence; skipped aloud where they are not there.
    Kubernetes,
    /// Both runs tell the same story.
    Parity,
    /// Tests that make clusters of their own.
    Clusters,
    /// The tests of the environment in containers; skipped aloud like those on Kubernetes, whose images it shares.
    Containers,
}

/// What a section found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finding {
    pub(crate) outcome: Outcome,
    pub(crate) counts: Counts,
}

impl Finding {
    /// A section that is one check.
    pub(crate) fn single(outcome: Outcome) -> Self {
        let passed = u64::from(outcome.is_success());
        Self {
            outcome,
            counts: Counts {
                passed,
                failed: 1 - passed,
                skipped: 0,
            },
        }
    }
}

impl Finding {
    /// A section that this machine can't run, and need not.
    fn skipped(reason: &str) -> Self {
        lane::tell(reason);
        let counts = Counts {
            passed: 0,
            failed: 0,
            skipped: 1,
        };
        Self {
            outcome: Outcome::SUCCESS,
            counts,
        }
    }
}

impl Section {
    /// What everybody runs before a change is proposed; the quick ones first.
    pub(crate) const CHECK: &[Self] = &[
        Self::Format,
        Self::Tidy,
        Self::Lint,
        Self::Test,
        Self::Documentation,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Tidy => "tidy",
            Self::Lint => "lint",
            Self::Test => "test",
            Self::Documentation => "documentation",
            Self::EndToEnd => "e2e embedded",
            Self::Kubernetes => "e2e kind",
            Self::Parity => "parity",
            Self::Clusters => "clusters",
            Self::Containers => "containers",
        }
    }

    /// The command that repeats this section alone.
    fn again(self) -> &'static str {
        match self {
            Self::Format => "cargo fmt --all",
            Self::Tidy => "cargo xtask tidy",
            Self::Lint => "cargo clippy --workspace --all-targets --all-features -- -D warnings",
            Self::Test => "cargo xtask test",
            Self::Documentation => {
                "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features"
            }
            Self::EndToEnd => "cargo xtask e2e --env embedded",
            Self::Kubernetes => "cargo xtask e2e --env kind",
            Self::Parity => "cargo xtask parity",
            Self::Clusters => "cargo test -p cluster -p e2e --features e2e/kind --test kind",
            Self::Containers => "cargo test -p e2e --features containers --test suite containers",
        }
    }

    fn run(self, workspace: &Workspace, pipeline: &mut Pipeline) -> anyhow::Result<Finding> {
        let cargo = || Invocation::cargo().folder(workspace.root());
        match self {
            Self::Format => cargo()
                .args(["fmt", "--all", "--check"])
                .run()
                .map(Finding::single),
            Self::Tidy => tidy::section(workspace),
            Self::Lint => lint(workspace),
            Self::Test => {
                let (outcome, counts) = test::tests(workspace, Vec::new())?;
                Ok(Finding { outcome, counts })
            }
            Self::Documentation => cargo()
                .variable("RUSTDOCFLAGS", "-D warnings")
                .args([
                    "doc",
                    "--workspace",
                    "--no-deps",
                    "--all-features",
                    "--keep-going",
                ])
                .run()
                .map(Finding::single),
            Self::EndToEnd => {
                let played = scenarios::play(workspace, "embedded", &[])?;
                pipeline.embedded = played.directory;
                Ok(played.finding)
            }
            Self::Kubernetes | Self::Parity | Self::Clusters | Self::Containers => {
                match pipeline.kind_is_there() {
                    Kind::There => self.on_kind(workspace, pipeline),
                    Kind::Skipped { reason } => Ok(Finding::skipped(&reason)),
                    Kind::Missing { reason } => anyhow::bail!("{reason}; `cargo xtask doctor` has the cure"),
                }
            }
        }
    }

    fn on_kind(self, workspace: &Workspace, pipeline: &mut Pipeline) -> anyhow::Result<Finding> {
        match self {
            Self::Parity => match (&pipeline.embedded, &pipeline.kind) {
                (Some(embedded), Some(kind)) => scenarios::parity(workspace, embedded, kind),
                _ => anyhow::bail!("there are no two runs to compare"),
            },
            Self::Clusters => test::clusters(workspace),
            Self::Containers => test::containers(workspace),
            _ => {
                let played = scenarios::play(workspace, "kind", &pipeline.kind_flags)?;
                pipeline.kind = played.directory;
                Ok(played.finding)
            }
        }
    }
}

/// Every target. The tests that make clusters are left out of `--all-targets`, as they are of `cargo test`: they are named.
fn lint(workspace: &Workspace) -> anyhow::Result<Finding> {
    let mut outcome = Outcome::SUCCESS;
    for targets in [&["--all-targets"][..], &["--test", "kind"]] {
        // A crate that fails must not hide what is wrong with the next one.
        let found = Invocation::cargo()
            .folder(workspace.root())
            .args(["clippy", "--workspace", "--all-features", "--keep-going"])
            .args(targets)
            .args(["--", "-D", "warnings"])
            .run()?;
        if outcome.is_success() {
            outcome = found;
        }
    }
    Ok(Finding::single(outcome))
}

/// A section that ran, for the report.
struct Ran {
    section: Section,
    took: Duration,
    /// Why it failed.
    complaint: Option<String>,
}

/// Runs all sections whatever the others say, then prints what each one came to and the closing line. An interrupt
/// ends it after the section that it hit.
pub(crate) fn run(
    workspace: &Workspace,
    sections: &[Section],
    mut pipeline: Pipeline,
) -> anyhow::Result<Outcome> {
    let mut counts = Counts::default();
    let mut ran = Vec::new();
    for &section in sections {
        command::say(&format!("\n== {} ==", section.name()));
        let start = Instant::now();
        let result = section.run(workspace, &mut pipeline);
        let complaint = match &result {
            Ok(finding) if finding.outcome.is_success() => None,
            Ok(finding) => Some(finding.outcome.to_string()),
            Err(error) => Some(format!("{error:#}")),
        };
        counts += result.map_or(Finding::single(Outcome::FAILURE).counts, |finding| finding.counts);
        ran.push(Ran {
            section,
            took: start.elapsed(),
            complaint,
        });
        if interrupt::seen().is_some() {
            break;
        }
    }
    command::print(report(&ran, sections.len(), counts).as_bytes())?;
    Ok(match interrupt::seen() {
        Some(signal) => Outcome::signal(signal),
        None if ran.iter().any(|ran| ran.complaint.is_some()) => Outcome::FAILURE,
        None => Outcome::SUCCESS,
    })
}

fn report(ran: &[Ran], planned: usize, counts: Counts) -> String {
    let mut lines = vec![String::new()];
    for Ran {
        section,
        took,
        complaint,
    } in ran
    {
        let word = if complaint.is_none() { "ok  " } else { "FAIL" };
        let why = complaint
            .as_ref()
            .map(|why| format!("  {why}"))
            .unwrap_or_default();
        lines.push(format!(
            "{word}  {:<13} {:>7.1} s{why}",
            section.name(),
            took.as_secs_f64()
        ));
    }
    let failed: Vec<&Ran> = ran.iter().filter(|ran| ran.complaint.is_some()).collect();
    if ran.len() < planned {
        lines.push(format!(
            "interrupted: {} of {planned} sections did not run",
            planned - ran.len()
        ));
    }
    if !failed.is_empty() {
        lines.push(format!(
            "error: {} of {} sections failed",
            failed.len(),
            ran.len()
        ));
        lines.extend(
            failed
                .iter()
                .map(|ran| format!("hint: repeat with `{}`", ran.section.again())),
        );
    }
    lines.push(format!("\n{counts}\n"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(section: Section, complaint: Option<&str>) -> Ran {
        Ran {
            section,
            took: Duration::from_millis(1_250),
            complaint: complaint.map(str::to_owned),
        }
    }

    #[test]
    fn every_failure_is_reported_and_the_counts_close() {
        let ran = [
            ran(Section::Format, Some("exit code 1")),
            ran(Section::Lint, None),
            ran(Section::Test, Some("exit code 101")),
        ];
        let counts = Counts {
            passed: 11,
            failed: 2,
            skipped: 0,
        };
        let expected = "
FAIL  format            1.2 s  exit code 1
ok    lint              1.2 s
FAIL  test              1.2 s  exit code 101
error: 2 of 3 sections failed
hint: repeat with `cargo fmt --all`
hint: repeat with `cargo xtask test`

11 passed, 2 failed, 0 skipped
";
        assert_eq!(report(&ran, 3, counts), expected);
    }

    #[test]
    fn an_interrupted_check_says_how_much_did_not_run() {
        let text = report(&[ran(Section::Format, None)], 5, Counts::default());
        assert!(
            text.contains("interrupted: 4 of 5 sections did not run"),
            "{text}"
        );
    }
}
