//! The verbs of the program.

mod doctor;
mod down;
mod e2e;
mod exit_codes;
mod parity;

use std::io::Write;
use std::path::PathBuf;

use crate::cli::{Cli, Command, Places};
use crate::exit::ExitCode;
use crate::places;

/// Does what the command line says.
pub async fn dispatch(cli: Cli) -> ExitCode {
    match cli.command {
        Command::E2e(args) => e2e::e2e(args).await,
        Command::Parity(args) => parity::parity(args).await,
        Command::Down(args) => down::down(&args).await,
        Command::Doctor(args) => doctor::doctor(&args).await,
        Command::ExitCodes => exit_codes::exit_codes(),
    }
}

/// An error for people: the fact, then what to do about it.
fn complain(fact: &str, hint: Option<&str>) {
    // A reader that went away is not an error.
    let _ = writeln!(anstream::stderr(), "error: {fact}");
    if let Some(hint) = hint {
        let _ = writeln!(anstream::stderr(), "hint: {hint}");
    }
}

/// One line of the result.
fn say(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Where things are: the folder of runs and the service binaries.
fn locate(places: &Places) -> Result<(PathBuf, places::Binaries), std::io::Error> {
    let executable = std::env::current_exe()?;
    let working = std::env::current_dir()?;
    Ok((
        places::root(places, &executable, &working),
        places::binaries(places, &executable),
    ))
}
