//! `throughline workshop`: the steps of the workshop, one's beginning, its check, and the way out.

use std::path::Path;
use std::time::Instant;

use testbed::Explain;
use testbed::explain::chain;

use super::{complain, down, locate, say};
use crate::cli::{DownArgs, WorkshopArgs, WorkshopVerb};
use crate::exit::ExitCode;
use crate::workshop::{self, Ended, Notes, NotesError, Played, Step};

pub(super) async fn workshop(args: WorkshopArgs) -> ExitCode {
    let root = match locate(&args.places) {
        Ok((root, _)) => root,
        Err(error) => {
            complain(&format!("the working directory can't be read: {error}"), None);
            return ExitCode::Unexpected;
        }
    };
    match args.verb {
        WorkshopVerb::List => {
            list();
            ExitCode::Passed
        }
        WorkshopVerb::Start { step } => with(step, |step| start(&root, step)),
        WorkshopVerb::Check { step } => with(step, |step| check(&root, step)),
        WorkshopVerb::Reset => reset(&root, DownArgs { places: args.places }).await,
    }
}

fn list() {
    for step in workshop::steps() {
        say(&format!("  {}  {}", step.number, step.title));
        say(&format!("     {}", step.goal));
    }
    say("begin one with `cargo xtask workshop start N`");
}

/// Does something with the step of this number.
fn with(number: u8, act: impl FnOnce(&Step) -> Result<ExitCode, NotesError>) -> ExitCode {
    let Some(step) = workshop::step(number) else {
        complain(
            &format!("the workshop has no step {number}"),
            Some("`cargo xtask workshop list` shows all of them"),
        );
        return ExitCode::Usage;
    };
    act(&step).unwrap_or_else(|error| {
        complain(&chain(&error), error.hint().as_deref());
        ExitCode::Unexpected
    })
}

fn start(root: &Path, step: &Step) -> Result<ExitCode, NotesError> {
    let mut notes = Notes::read(root)?;
    notes.started.insert(step.number, jiff::Timestamp::now());
    notes.write(root)?;
    say(&format!("step {}: {}", step.number, step.title));
    say(&format!("  {}", step.goal));
    for command in &step.commands {
        say(&format!("  $ {command}"));
    }
    say(&format!(
        "when that is done: `cargo xtask workshop check {}`",
        step.number
    ));
    Ok(ExitCode::Passed)
}

fn check(root: &Path, step: &Step) -> Result<ExitCode, NotesError> {
    let since = Notes::read(root)?.started.get(&step.number).copied();
    let mut code = ExitCode::Passed;
    let mut open = Vec::new();
    for (scenario, command) in step.scenarios() {
        let played = workshop::newest(root, scenario, since);
        tell(scenario, played.as_ref(), since.is_some());
        let ended = outcome(played.as_ref());
        if ended != ExitCode::Passed {
            open.push(command);
        }
        code = code.and(ended);
    }
    match open.first() {
        None => say(&format!("step {} is done", step.number)),
        Some(command) => complain(
            &format!(
                "step {} is not done: {} of {} open",
                step.number,
                open.len(),
                step.scenarios().count()
            ),
            Some(&format!("play it with `{command}`")),
        ),
    }
    Ok(code)
}

/// What a check makes of a run, as an exit code. A scenario that nobody played has not met what is expected of it.
fn outcome(played: Option<&Played>) -> ExitCode {
    match played.map(|played| played.result) {
        Some(Ended::Passed) => ExitCode::Passed,
        None | Some(Ended::Failed) => ExitCode::ExpectationFailed,
        Some(Ended::Inconclusive) => ExitCode::Inconclusive,
        Some(Ended::Skipped) => ExitCode::PrerequisiteMissing,
    }
}

fn tell(scenario: &str, played: Option<&Played>, begun: bool) {
    let Some(played) = played else {
        let since = if begun { " since the step was begun" } else { "" };
        say(&format!("  none  {scenario}  not played{since}"));
        return;
    };
    let word = match played.result {
        Ended::Passed => "ok  ",
        Ended::Failed => "FAIL",
        Ended::Inconclusive => "open",
        Ended::Skipped => "skip",
    };
    say(&format!("  {word}  {scenario}"));
    let why = played.why.iter().map(|why| ("error", why.clone()));
    let lines = played.verdict.iter().flat_map(trace::Verdict::lines).chain(why);
    let page = ("report", played.page.display().to_string());
    for (label, line) in lines.chain([page]) {
        say(&format!("          {label:<9} {line}"));
    }
}

async fn reset(root: &Path, args: DownArgs) -> ExitCode {
    let began = Instant::now();
    let code = down::down(&args).await;
    if let Err(error) = Notes::forget(root) {
        complain(&chain(&error), error.hint().as_deref());
        return code.and(ExitCode::Unexpected);
    }
    say(&format!("reset in {} ms", began.elapsed().as_millis()));
    code
}
