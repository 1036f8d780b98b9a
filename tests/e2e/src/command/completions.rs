//! `throughline completions`: what a shell needs to complete the verbs and flags of `cargo xtask` behind a short name.

use std::io::Write;

use clap::{Command, CommandFactory};
use clap_complete::generate;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::ExitCode;

/// The name that is completed: shells complete an alias as a command of its own.
const NAME: &str = "xtask";

pub(super) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut command = Cli::command().name(NAME).bin_name(NAME);
    for also in &args.also {
        // clap keeps names for as long as the program runs, which is not long from here on.
        let (name, about) = also.split_once('=').unwrap_or((also, ""));
        let (name, about): (&'static str, &'static str) = (name.to_owned().leak(), about.to_owned().leak());
        command = command.subcommand(Command::new(name).about(about));
    }
    let mut script = Vec::new();
    generate(args.shell, &mut command, NAME, &mut script);
    // A reader that went away is not an error.
    let _ = anstream::stdout().write_all(&script);
    ExitCode::Passed
}
