//! The front door of the repository: parse, build what is needed, re-execute.
//!
//! Heavy dependencies live in the binaries that are run from here; this one has to compile in seconds.

mod artifact;
mod cli;
mod command;
mod counts;
mod interrupt;
mod lane;
mod programs;
mod scenarios;
mod section;
mod test;
mod tidy;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Verb};
use crate::command::Outcome;
use crate::lane::{Lane, Pipeline};
use crate::section::Section;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    let Some(verb) = Cli::parse().verb else {
        return match Cli::command().print_help() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    };
    match run(verb) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            command::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The verbs that only this program knows belong to the completions, too. Those that pass their arguments on are the other one's.
fn completed(mut args: Vec<OsString>) -> Vec<OsString> {
    for verb in Cli::command().get_subcommands() {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        if !verb.is_disable_help_flag_set() || verb.get_name() == "bench" {
            args.extend(["--also".into(), format!("{}={about}", verb.get_name()).into()]);
        }
    }
    args
}

fn run(verb: Verb) -> anyhow::Result<Outcome> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::E2e { args } => artifact::become_throughline(&workspace, "e2e", args),
        Verb::Parity { args } => artifact::become_throughline(&workspace, "parity", args),
        Verb::Demo { args } => artifact::become_throughline(&workspace, "demo", args),
        Verb::Intercept { args } => artifact::become_throughline(&workspace, "intercept", args),
        Verb::Completions { args } => {
            artifact::become_throughline(&workspace, "completions", completed(args))
        }
        // The pictures are where the repository is, wherever it is called from; a `--folder` of the caller's comes later
        // and wins.
        Verb::Docs { args } => {
            let folder = [
                OsString::from("--folder"),
                workspace.root().join("docs/pictures").into(),
            ];
            artifact::become_throughline(&workspace, "docs", [folder.to_vec(), args].concat())
        }
        Verb::Down { args } => artifact::become_throughline(&workspace, "down", args),
        Verb::Workshop { args } => artifact::become_throughline(&workspace, "workshop", args),
        Verb::Doctor { args } => artifact::become_throughline(&workspace, "doctor", args),
        Verb::Bench { args } => artifact::become_bench(&workspace, args),
        Verb::Test { args } => test::run(&workspace, args),
        Verb::Tidy => tidy::run(&workspace),
        Verb::Check => section::run(&workspace, Section::CHECK, Pipeline::default()),
        Verb::Ci { lane, download } => {
            section::run(&workspace, &Lane::sections(lane), Pipeline::new(lane, download))
        }
    }
}
