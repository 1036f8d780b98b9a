//! `throughline e2e`: select, arm the signals, begin a run, play, report.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use testbed::explain::chain;
use testbed::{Event, Explain, Run, RunOptions, Signals};

use super::{complain, locate, say};
use crate::cli::E2eArgs;
use crate::environment;
use crate::exit::ExitCode;
use crate::report::console::Console;
use crate::report::pipeline::Pipeline;
use crate::report::{Outlets, Reporter};
use crate::runner::{self, Plan, Reports};
use crate::scenario::ALL;
use crate::selection::{Selected, full_name, select};

pub(super) async fn e2e(args: E2eArgs) -> ExitCode {
    if args.list {
        return match select(ALL, &args.scenario, !args.no_twins) {
            Ok(selected) => {
                list(&selected);
                ExitCode::Passed
            }
            Err(error) => {
                complain(&error.to_string(), Some(&error.hint()));
                ExitCode::Usage
            }
        };
    }
    // Armed before the first side effect: from here on Ctrl-C undoes.
    match Signals::arm() {
        Ok(signals) => play(&args, &signals).await.code,
        Err(error) => {
            complain(&format!("signals can't be handled: {error}"), None);
            ExitCode::Unexpected
        }
    }
}

/// A run that is over.
pub(super) struct Played {
    pub(super) code: ExitCode,
    /// Its directory; `None` when it did not get so far.
    pub(super) directory: Option<PathBuf>,
}

impl From<ExitCode> for Played {
    fn from(code: ExitCode) -> Self {
        Self {
            code,
            directory: None,
        }
    }
}

/// Plays a selection in an environment, and reports it.
pub(super) async fn play(args: &E2eArgs, signals: &Signals) -> Played {
    let selected = match select(ALL, &args.scenario, !args.no_twins) {
        Ok(selected) => selected,
        Err(error) => {
            complain(&error.to_string(), Some(&error.hint()));
            return ExitCode::Usage.into();
        }
    };
    let (root, binaries) = match locate(&args.places) {
        Ok(places) => places,
        Err(error) => {
            complain(&format!("the working directory can't be read: {error}"), None);
            return ExitCode::Unexpected.into();
        }
    };
    if let Some(stale) = &args.junit {
        // Otherwise a run that ends early would be taken for the one before it. What can't be removed can't be written
        // either, and that is told at the end.
        let _ = std::fs::remove_file(stale);
    }
    let swept = super::down::finish_killed_runs(&root, signals).await;
    let chosen = match environment::choose(args.environment, &binaries, &args.kind).await {
        Ok(chosen) => chosen,
        Err(error) => {
            complain(&error.to_string(), error.hint().as_deref());
            return ExitCode::Usage.into();
        }
    };
    let options = RunOptions {
        root,
        environment: chosen.environment.name(),
        keep: args.keep,
        signals: signals.clone(),
    };
    let (run, events) = match Run::begin(options) {
        Ok(begun) => begun,
        Err(error) => {
            complain(&chain(&error), error.hint().as_deref());
            return ExitCode::PrerequisiteMissing.into();
        }
    };
    run.events().emit(Event::RunStarted {
        run: run.id().clone(),
        environment: chosen.environment.name(),
        dir: run.dir().path().to_owned(),
        chosen: chosen.why.clone(),
        cannot_prove: chosen.environment.cannot_prove().map(str::to_owned),
        at: jiff::Timestamp::now(),
    });
    let pipeline = Pipeline::decide(args.ci, |name| std::env::var(name).ok());
    if let Some(why) = chosen.why
        && pipeline.is_one()
    {
        // Whoever reads that a pipeline is green must know what was proven.
        run.events().warn(
            why,
            Some("name the environment of a pipeline: `--env`, or THROUGHLINE_ENV".to_owned()),
        );
    }
    match swept {
        Ok(swept) => {
            for killed in &swept.swept {
                run.events().note(format!(
                    "finished the undo of run {}, which was killed",
                    killed.run
                ));
            }
        }
        Err(error) => run.events().warn(chain(&error), error.hint()),
    }
    let plan = Plan {
        selected,
        repeat: args.repeat,
        fail_fast: args.fail_fast,
        keep: args.keep,
        settle_limit: args.settle_limit,
        binaries,
    };
    let reports: Reports = Arc::new(Mutex::new(Vec::new()));
    let console = Console::new(args.verbose, run.dir().path());
    let outlets = Outlets {
        format: args.format,
        pipeline,
        directory: run.dir().path().to_owned(),
        junit: args.junit.clone(),
    };
    let reporter = Reporter::new(events, Arc::clone(&reports), console, outlets);
    let (code, written) = tokio::join!(
        runner::run(&run, chosen.environment, &plan, &reports),
        reporter.consume()
    );
    // A verdict that nobody can read again is not a pass.
    let code = if written.errors.is_empty() {
        code
    } else {
        code.and(ExitCode::Unexpected)
    };
    Played {
        code,
        directory: Some(run.dir().path().to_owned()),
    }
}

fn list(selected: &[Selected]) {
    for one in selected {
        if one.itself {
            say(&format!("{}\n    {}", one.scenario.name, one.scenario.about));
        }
        for twin in &one.twins {
            say(&format!(
                "  {}\n    {}",
                full_name(one.scenario, twin),
                twin.fault.describe()
            ));
        }
    }
}
