//! A session in an environment that is up, of a developer or of the scenarios: how it begins, and how a developer's ends in good order whatever happened.

use std::time::{Duration, Instant};

use testbed::event::{Counts, Event};
use testbed::explain::chain;
use testbed::{Environment, Explain, Run};

use crate::bed::{Bed, UpError};
use crate::exit::ExitCode;
use crate::places::Binaries;
use crate::switch;

/// Brings the environment up; what is in the way has been told when there is none. `settle_limit` is that of [`Bed::up`].
///
/// # Errors
/// The exit code that says why.
pub async fn open(
    run: &Run,
    environment: Box<dyn Environment>,
    binaries: &Binaries,
    settle_limit: Option<Duration>,
) -> Result<Bed, ExitCode> {
    let missing = environment.preflight().await;
    if run.interrupted().is_cancelled() {
        return Err(ExitCode::Interrupted);
    }
    if !missing.is_empty() {
        for one in missing {
            run.events().error(one.fact, Some(one.cure));
        }
        return Err(ExitCode::PrerequisiteMissing);
    }
    Bed::up(run, environment, binaries, settle_limit)
        .await
        .map_err(|error| match error {
            UpError::Interrupted => ExitCode::Interrupted,
            error => {
                run.events()
                    .error(format!("the environment did not come up: {error}"), error.hint());
                ExitCode::EnvironmentDown
            }
        })
}

/// Gives the traffic back and proves it. The first Ctrl-C, which may be why the session ends, does not cut this short; the second
/// one does.
pub async fn close(bed: &mut Bed, code: ExitCode) -> ExitCode {
    let closing = bed.run.closing();
    match switch::give_back(bed, &closing).await {
        Ok(()) => code,
        Err(error) => {
            let hint = error.hint().or_else(|| Some("`cargo xtask down`".to_owned()));
            bed.run
                .events()
                .error(format!("the traffic was not given back: {}", chain(&error)), hint);
            code.and(ExitCode::UndoIncomplete)
        }
    }
}

/// Undoes everything and tells the end of the run. `as_number` is what the program returns for the outcome.
pub async fn end(run: &Run, code: ExitCode, began: Instant, as_number: impl FnOnce(ExitCode) -> u8) -> u8 {
    let undone = run.finish().await;
    let code = if undone.complete() {
        code
    } else {
        code.and(ExitCode::UndoIncomplete)
    };
    let number = as_number(code);
    run.events().emit(Event::RunFinished {
        exit_code: number,
        counts: Counts::default(),
        took: began.elapsed(),
    });
    number
}
