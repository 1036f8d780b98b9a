//! `cargo xtask tidy`: what neither the compiler nor the lints can see. What nothing checks goes stale.

mod commands;
mod dependencies;
mod exit_codes;
mod layout;
mod links;
mod pins;
mod project;
mod rust;
mod scan;
mod text;
mod tree;

use std::fmt;

use crate::command::{self, Outcome};
use crate::counts::Counts;
use crate::section::Finding;
use crate::workspace::Workspace;

use commands::CommandLine;
use dependencies::Packages;
use tree::Tree;

/// Something that is not true or not in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    file: String,
    /// Counted from 1; none when it is about the whole file.
    line: Option<usize>,
    what: String,
}

impl Problem {
    /// About a whole file, or a file that should be there.
    fn file(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            what: what.into(),
        }
    }

    /// About a line, by its index from 0 as `enumerate` gives it.
    fn line(file: impl Into<String>, index: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: Some(index + 1),
            what: what.into(),
        }
    }
}

/// `file:line: what`, which editors and terminals turn into a link.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.file)?;
        if let Some(line) = self.line {
            write!(formatter, "{line}:")?;
        }
        write!(formatter, " {}", self.what)
    }
}

/// Everything the checks look at. They get it and do no I/O themselves, so that each can be shown a planted mistake.
#[derive(Debug, Default)]
struct Material {
    tree: Tree,
    packages: Packages,
    commands: CommandLine,
}

impl Material {
    fn gather(workspace: &Workspace) -> anyhow::Result<Self> {
        Ok(Self {
            tree: Tree::of(workspace)?,
            packages: Packages::of(workspace)?,
            commands: CommandLine::of(workspace)?,
        })
    }
}

/// A check with the name it is reported under.
type Check = (&'static str, fn(&Material) -> Vec<Problem>);

/// All checks.
const CHECKS: &[Check] = &[
    ("white space is plain", text::white_space),
    ("no path of somebody's machine", text::machine_paths),
    ("every Rust file says what it is for", rust::purpose),
    ("no file is too long to read", rust::length),
    ("no mod.rs", rust::module_files),
    ("no drawer for everything", rust::drawers),
    ("no lint is switched off and no test is skipped", rust::attributes),
    ("nothing is unfinished", rust::unfinished),
    ("links in documents go somewhere", links::links),
    ("commands in documents exist", commands::commands),
    (
        "the exit codes in the README are those of the program",
        exit_codes::exit_codes,
    ),
    ("the layout in the documents is the tree", layout::folders),
    ("the modules in the documents are the tree", layout::modules),
    (
        "the dependencies in the documents are the manifests",
        layout::dependencies,
    ),
    ("one version of everything pinned", pins::one_version),
    ("no moving image tag", pins::moving_tags),
    ("dependency arrows point one way", dependencies::arrows),
    ("no exporter that loses spans", dependencies::exporter),
    ("no banned crate", project::bans),
    ("the licence is stated everywhere", project::licence),
    (
        "the changelog has a place for the next change",
        project::changelog,
    ),
];

/// Runs all checks, prints every problem, and counts each check as one.
pub(crate) fn section(workspace: &Workspace) -> anyhow::Result<Finding> {
    let material = Material::gather(workspace)?;
    let mut counts = Counts::default();
    for (name, check) in CHECKS {
        let mut problems = check(&material);
        problems.sort();
        if problems.is_empty() {
            counts.passed += 1;
            continue;
        }
        counts.failed += 1;
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}\n")).collect();
        command::print(format!("FAIL  {name}\n{}", lines.concat()).as_bytes())?;
    }
    let outcome = if counts.failed == 0 {
        Outcome::SUCCESS
    } else {
        Outcome::FAILURE
    };
    Ok(Finding { outcome, counts })
}

/// `cargo xtask tidy`.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let Finding { outcome, counts } = section(workspace)?;
    command::print(format!("{counts}\n").as_bytes())?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_as_editors_understand_it() {
        assert_eq!(
            Problem::line("a/b.rs", 11, "too long").to_string(),
            "a/b.rs:12: too long"
        );
        assert_eq!(
            Problem::file("LICENSE", "is missing").to_string(),
            "LICENSE: is missing"
        );
    }

    #[test]
    fn no_two_checks_have_one_name() {
        let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), CHECKS.len());
    }
}
