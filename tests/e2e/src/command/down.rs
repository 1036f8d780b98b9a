//! `throughline down`: finishes the undo of runs that were killed, and takes down what was kept.

use std::path::Path;

use testbed::explain::chain;
use testbed::sweep::{SweepError, SweepOptions, SweepReport, sweep};
use testbed::{Explain, Signals};

use super::swept::troubles;
use super::{complain, locate, say};
use crate::cli::DownArgs;
use crate::exit::ExitCode;

pub(super) async fn down(args: &DownArgs) -> ExitCode {
    let root = match locate(&args.places) {
        Ok((root, _)) => root,
        Err(error) => {
            complain(&format!("the working directory can't be read: {error}"), None);
            return ExitCode::Unexpected;
        }
    };
    let signals = match Signals::arm() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&format!("signals can't be handled: {error}"), None);
            return ExitCode::Unexpected;
        }
    };
    let interrupted = signals.interrupted();
    let report = match sweep(
        &root,
        &SweepOptions {
            kept: true,
            signals,
            events: None,
        },
    )
    .await
    {
        Ok(report) => report,
        Err(error) => {
            complain(&chain(&error), error.hint().as_deref());
            return ExitCode::UndoIncomplete;
        }
    };
    tell(&report);
    if interrupted.is_cancelled() {
        return ExitCode::Interrupted;
    }
    if report.complete() {
        ExitCode::Passed
    } else {
        ExitCode::UndoIncomplete
    }
}

/// Before a run: finishes what killed runs left, but leaves what was kept on purpose.
pub(super) async fn finish_killed_runs(root: &Path, signals: &Signals) -> Result<SweepReport, SweepError> {
    sweep(
        root,
        &SweepOptions {
            kept: false,
            signals: signals.clone(),
            events: None,
        },
    )
    .await
}

fn tell(report: &SweepReport) {
    for live in &report.live {
        let runner = live
            .runner
            .map_or_else(String::new, |pid| format!(" (pid {pid})"));
        say(&format!("run {} is still going on{runner}, left alone", live.run));
    }
    for swept in &report.swept {
        let strays = match swept.strays {
            0 => String::new(),
            count => format!(", {count} further processes ended"),
        };
        say(&format!(
            "run {}: {} undone{strays}",
            swept.run,
            swept.undo.done.len()
        ));
        for name in &swept.undo.done {
            say(&format!("  ok    {name}"));
        }
        for trouble in troubles(swept) {
            say(&format!("  FAIL  {}", trouble.fact));
            if let Some(hint) = trouble.hint {
                say(&format!("        hint: {hint}"));
            }
        }
        for left in swept.undo.left.iter().filter(|left| left.on_purpose()) {
            say(&format!("  stay  {}: {}", left.name, left.because));
        }
    }
    if report.swept.is_empty() && report.live.is_empty() {
        say("nothing was left to undo");
    }
}
