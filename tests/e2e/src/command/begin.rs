//! The beginning that all verbs with a run share: arm the signals, finish what killed runs left, choose the environment, begin.

use testbed::explain::chain;
use testbed::sweep::SweptRun;
use testbed::{Environment, Event, EventReceiver, Explain, Run, RunOptions, Signals};

use super::swept::troubles;
use super::{complain, locate};
use crate::cli::{EnvironmentChoice, KindArgs, Places};
use crate::environment;
use crate::exit::ExitCode;
use crate::places::Binaries;

/// What a run is begun with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) environment: EnvironmentChoice,
    pub(super) kind: &'a KindArgs,
    pub(super) places: &'a Places,
    /// Whether things are to stay.
    pub(super) keep: bool,
}

/// A run that has begun, and the environment that it will bring up.
pub(super) struct Begun {
    pub(super) run: Run,
    pub(super) events: EventReceiver,
    pub(super) environment: Box<dyn Environment>,
    pub(super) binaries: Binaries,
    /// Why `auto` chose the environment.
    pub(super) why: Option<String>,
}

/// Takes the signals over, before the first side effect: from here on Ctrl-C undoes.
pub(super) fn arm() -> Result<Signals, ExitCode> {
    Signals::arm().map_err(|error| {
        complain(&format!("signals can't be handled: {error}"), None);
        ExitCode::Unexpected
    })
}

/// Begins a run. What is in the way has been said when there is none.
pub(super) async fn begin(wanted: Wanted<'_>, signals: &Signals) -> Result<Begun, ExitCode> {
    let (root, binaries) = locate(wanted.places).map_err(|error| {
        complain(&format!("the working directory can't be read: {error}"), None);
        ExitCode::Unexpected
    })?;
    let swept = super::down::finish_killed_runs(&root, signals).await;
    let kind = KindArgs {
        reuse: wanted.kind.reuse || wanted.keep,
        ..wanted.kind.clone()
    };
    let chosen = environment::choose(wanted.environment, &binaries, &kind, &root)
        .await
        .map_err(|error| {
            complain(&error.to_string(), error.hint().as_deref());
            ExitCode::Usage
        })?;
    let options = RunOptions {
        root,
        environment: chosen.environment.name(),
        keep: wanted.keep,
        signals: signals.clone(),
    };
    let (run, events) = Run::begin(options).map_err(|error| {
        complain(&chain(&error), error.hint().as_deref());
        ExitCode::PrerequisiteMissing
    })?;
    run.events().emit(Event::RunStarted {
        run: run.id().clone(),
        environment: chosen.environment.name(),
        dir: run.dir().path().to_owned(),
        chosen: chosen.why.clone(),
        cannot_prove: chosen.environment.cannot_prove().map(str::to_owned),
        at: jiff::Timestamp::now(),
    });
    match swept {
        Ok(swept) => swept.swept.iter().for_each(|killed| tell(&run, killed)),
        Err(error) => run.events().warn(chain(&error), error.hint()),
    }
    Ok(Begun {
        run,
        events,
        environment: chosen.environment,
        binaries,
        why: chosen.why,
    })
}

/// Tells what became of a run whose runner was killed.
fn tell(run: &Run, killed: &SweptRun) {
    let troubles = troubles(killed);
    // One whose cluster was kept on purpose had nothing to finish.
    if troubles.is_empty() && killed.did_something() {
        run.events().note(format!(
            "finished the undo of run {}, which was killed",
            killed.run
        ));
    }
    for trouble in troubles {
        let text = format!(
            "the undo of run {}, which was killed, is not finished: {}",
            killed.run, trouble.fact
        );
        let hint = trouble
            .hint
            .unwrap_or_else(|| "`cargo xtask down` tries again".to_owned());
        run.events().warn(text, Some(hint));
    }
}
