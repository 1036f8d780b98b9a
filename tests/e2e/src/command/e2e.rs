//! `throughline e2e`: select, arm the signals, begin a run, play, report.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use testbed::Signals;

use super::begin::{Begun, Wanted, arm, begin};
use super::{complain, say};
use crate::cli::E2eArgs;
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
    match arm() {
        Ok(signals) => play(&args, &signals).await.code,
        Err(code) => code,
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
    if let Some(stale) = &args.junit {
        // Otherwise a run that ends early would be taken for the one before it. What can't be removed can't be written
        // either, and that is told at the end.
        let _ = std::fs::remove_file(stale);
    }
    let wanted = Wanted {
        environment: args.environment,
        kind: &args.kind,
        places: &args.places,
        keep: args.keep,
    };
    let Begun {
        run,
        events,
        environment,
        binaries,
        why,
    } = match begin(wanted, signals).await {
        Ok(begun) => begun,
        Err(code) => return code.into(),
    };
    let pipeline = Pipeline::decide(args.ci, |name| std::env::var(name).ok());
    if let Some(why) = why
        && pipeline.is_one()
    {
        // Whoever reads that a pipeline is green must know what was proven.
        run.events().warn(
            why,
            Some("name the environment of a pipeline: `--env`, or THROUGHLINE_ENV".to_owned()),
        );
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
        runner::run(&run, environment, &plan, &reports),
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
