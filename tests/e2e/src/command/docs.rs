//! `throughline docs`: draws the README's pictures from a real run, or says whether those that are there are still true.

use std::ffi::OsString;
use std::fs;

use clap::Parser;
use testbed::Signals;

use super::e2e::play;
use super::{complain, say};
use crate::cli::{Cli, Command, DocsArgs, E2eArgs};
use crate::exit::ExitCode;
use crate::pictures::{self, Drawn};

pub(super) async fn docs(args: DocsArgs) -> ExitCode {
    let run = match command_line(&args) {
        Ok(run) => run,
        Err(error) => {
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
    let played = play(&run, &signals).await;
    let directory = match (played.code, played.directory) {
        (ExitCode::Passed, Some(directory)) => directory,
        (code, _) => return code,
    };
    let drawn = match pictures::of(&directory) {
        Ok(drawn) => drawn,
        Err(error) => {
            complain(&error.to_string(), None);
            return ExitCode::Unexpected;
        }
    };
    if args.check {
        return check(&args, &drawn);
    }
    for picture in drawn {
        let file = args.folder.join(picture.name);
        let written = fs::create_dir_all(&args.folder).and_then(|()| fs::write(&file, &picture.content));
        if let Err(error) = written {
            complain(&format!("cannot write {}: {error}", file.display()), None);
            return ExitCode::Unexpected;
        }
        say(&file.display().to_string());
    }
    ExitCode::Passed
}

fn check(args: &DocsArgs, drawn: &[Drawn]) -> ExitCode {
    let mut code = ExitCode::Passed;
    for picture in drawn {
        let file = args.folder.join(picture.name);
        let there = fs::read_to_string(&file).unwrap_or_default();
        match picture.differs_from(&there) {
            None => say(&format!("{} is what a run looks like", file.display())),
            Some(difference) => {
                complain(
                    &format!("{} is not what a run looks like: {difference}", file.display()),
                    Some("`cargo xtask docs` draws it again"),
                );
                code = ExitCode::ExpectationFailed;
            }
        }
    }
    code
}

/// What `throughline e2e` is told: words that are parsed, so that both verbs understand them alike.
fn command_line(args: &DocsArgs) -> Result<E2eArgs, clap::Error> {
    let mut words: Vec<OsString> = ["throughline", "e2e", "--env", "embedded", "--no-twins"]
        .map(Into::into)
        .to_vec();
    for scenario in pictures::SCENARIOS {
        words.extend(["--scenario".into(), scenario.into()]);
    }
    for (flag, folder) in [("--root", &args.places.root), ("--bin-dir", &args.places.bin_dir)] {
        if let Some(folder) = folder {
            words.extend([flag.into(), folder.into()]);
        }
    }
    match Cli::try_parse_from(words)?.command {
        Command::E2e(args) => Ok(args),
        _ => Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand)),
    }
}
