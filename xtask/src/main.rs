//! The front door of the repository: parse, build what is needed, re-execute.
//!
//! Heavy dependencies live in the binaries that are run from here; this one has to compile in seconds.

mod artifact;
mod cli;
mod command;
mod counts;
mod interrupt;
mod lane;
mod scenarios;
mod section;
mod test;
mod tidy;
mod workspace;

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

fn run(verb: Verb) -> anyhow::Result<Outcome> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::E2e { args } => artifact::become_throughline(&workspace, "e2e", args),
        Verb::Parity { args } => artifact::become_throughline(&workspace, "parity", args),
        Verb::Down { args } => artifact::become_throughline(&workspace, "down", args),
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
