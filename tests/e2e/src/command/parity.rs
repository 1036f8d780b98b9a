//! `throughline parity`: plays the same scenarios in two environments, or takes two runs that were played, and compares
//! the shapes of their traces.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use testbed::Signals;
use testbed::explain::{Explain, chain};

use super::e2e::play;
use super::{complain, say};
use crate::cli::{Cli, Command, E2eArgs, EnvironmentChoice, ParityArgs};
use crate::exit::ExitCode;
use crate::parity::{self, KNOWN, Recorded};

pub(super) async fn parity(args: ParityArgs) -> ExitCode {
    if let [left, right] = args.from.as_slice() {
        return compare(left, right, args.out.as_deref());
    }
    let sides = match [args.left, args.right].map(|side| command_line(side, &args)) {
        [Ok(left), Ok(right)] => [left, right],
        [Err(error), _] | [_, Err(error)] => {
            complain(error.to_string().trim_end(), None);
            return ExitCode::Usage;
        }
    };
    let signals = match Signals::arm() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&format!("signals can't be handled: {error}"), None);
            return ExitCode::Unexpected;
        }
    };
    let mut code = ExitCode::Passed;
    let mut directories: Vec<PathBuf> = Vec::new();
    for side in &sides {
        let played = play(side, &signals).await;
        code = code.and(played.code);
        // A run that failed can be compared all the same, and has the more to tell; one without scenarios can't.
        match played.directory {
            Some(directory) if code.left_an_environment() => directories.push(directory),
            _ => return code,
        }
    }
    match directories.as_slice() {
        [left, right] => code.and(compare(left, right, args.out.as_deref())),
        _ => code,
    }
}

/// What `throughline e2e` is told for one side. Made of words and parsed, so that both verbs understand them alike.
fn command_line(environment: EnvironmentChoice, args: &ParityArgs) -> Result<E2eArgs, clap::Error> {
    let name = environment
        .to_possible_value()
        .map_or_else(|| "auto".to_owned(), |value| value.get_name().to_owned());
    let mut words: Vec<OsString> = ["throughline", "e2e", "--env", &name].map(Into::into).to_vec();
    for scenario in &args.scenario {
        words.extend(["--scenario".into(), scenario.into()]);
    }
    words.extend(args.no_twins.then(|| "--no-twins".into()));
    for (flag, folder) in [("--root", &args.places.root), ("--bin-dir", &args.places.bin_dir)] {
        if let Some(folder) = folder {
            words.extend([flag.into(), folder.into()]);
        }
    }
    words.extend(args.e2e.iter().cloned());
    match Cli::try_parse_from(words)?.command {
        Command::E2e(args) => Ok(args),
        _ => Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand)),
    }
}

/// Compares two run directories, tells what it found and writes it into `out`, or beside the second report.
fn compare(left: &Path, right: &Path, out: Option<&Path>) -> ExitCode {
    let runs = Recorded::read(left).and_then(|one| Ok((one, Recorded::read(right)?)));
    let (one, other) = match runs {
        Ok(runs) => runs,
        Err(error) => {
            complain(&chain(&error), error.hint().as_deref());
            return ExitCode::Usage;
        }
    };
    let found = parity::compare(&one, &other, KNOWN);
    if found.compared.is_empty() {
        complain(
            "the two runs played no scenario in common",
            Some("play the same scenarios in both"),
        );
        return ExitCode::Usage;
    }
    let beside = if right.is_dir() {
        right
    } else {
        right.parent().unwrap_or(Path::new("."))
    };
    let (page, errors) = parity::report::write(out.unwrap_or(beside), &found);
    say(&format!(
        "{} · {}",
        parity::report::text(&found).trim_end(),
        page.display()
    ));
    for error in &errors {
        complain(&chain(error), None);
    }
    if !found.holds() {
        complain(
            &parity::report::trouble(&found),
            Some("what is right to differ is listed in `tests/e2e/src/parity/known.rs`, with its reason"),
        );
        return ExitCode::ExpectationFailed;
    }
    // A result that nobody can read again is not a pass.
    if errors.is_empty() {
        ExitCode::Passed
    } else {
        ExitCode::Unexpected
    }
}
