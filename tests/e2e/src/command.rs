//! The verbs of the program.

mod begin;
mod completions;
mod demo;
mod docs;
mod doctor;
mod down;
mod e2e;
mod exit_codes;
mod forget_questions;
mod intercept;
mod parity;
mod session;
mod swept;
mod withdraw;
mod workshop;

use std::io::Write;
use std::path::PathBuf;

use crate::cli::{Cli, Command, Places};
use crate::places;

/// Does what the command line says.
pub async fn dispatch(cli: Cli) -> std::process::ExitCode {
    match cli.command {
        Command::E2e(args) => e2e::e2e(args).await.into(),
        Command::Demo(args) => demo::demo(args).await,
        Command::Intercept(args) => intercept::intercept(args).await,
        Command::Parity(args) => parity::parity(args).await.into(),
        Command::Docs(args) => docs::docs(args).await.into(),
        Command::Down(args) => down::down(&args).await.into(),
        Command::Workshop(args) => workshop::workshop(args).await.into(),
        Command::Doctor(args) => doctor::doctor(&args).await.into(),
        Command::Withdraw { what } => withdraw::withdraw(&what).await.into(),
        Command::ForgetQuestions => forget_questions::forget_questions().await.into(),
        Command::ExitCodes => exit_codes::exit_codes().into(),
        Command::Completions(args) => completions::completions(&args).into(),
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
