//! The one consumer of events: prints while the run goes on, and writes the files when it is over.

use std::path::PathBuf;

use testbed::event::{Event, EventReceiver, Outcome as StepOutcome};

use super::console::Console;
use super::files::{self, WriteError};
use super::model::{CollectedFile, RunReport, StepReport, UndoLine};
use crate::cli::Format;
use crate::exit::ExitCode;
use crate::runner::Reports;

/// What came of writing the files.
#[derive(Debug)]
pub struct Written {
    /// The HTML page.
    pub page: PathBuf,
    /// What could not be written.
    pub errors: Vec<WriteError>,
}

/// Consumes the events of one run.
#[derive(Debug)]
pub struct Reporter {
    events: EventReceiver,
    reports: Reports,
    console: Console,
    format: Format,
    directory: PathBuf,
}

impl Reporter {
    /// A reporter for a run that writes into `directory`.
    #[must_use]
    pub fn new(
        events: EventReceiver,
        reports: Reports,
        console: Console,
        format: Format,
        directory: PathBuf,
    ) -> Self {
        Self {
            events,
            reports,
            console,
            format,
            directory,
        }
    }

    /// Consumes events until the run is over; then writes the files.
    pub async fn consume(mut self) -> Written {
        let mut report = RunReport::empty();
        while let Some(event) = self.events.recv().await {
            record(&mut report, &event);
            if let Event::RunFinished { .. } = &event {
                report.scenarios = std::mem::take(
                    &mut *self
                        .reports
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner),
                );
                report.logs = files::logs(&self.directory);
                let errors = files::write(&self.directory, &report);
                self.print(&event);
                let page = self.directory.join(super::PAGE);
                match self.format {
                    Format::Human => self.console.summary(&report, &page, &errors),
                    Format::Json => self.console.write_errors(&errors),
                }
                return Written { page, errors };
            }
            self.print(&event);
        }
        Written {
            page: self.directory.join(super::PAGE),
            errors: Vec::new(),
        }
    }

    fn print(&mut self, event: &Event) {
        match self.format {
            Format::Human => self.console.event(event),
            Format::Json => self.console.json(event),
        }
    }
}

/// Keeps what the report needs of an event.
fn record(report: &mut RunReport, event: &Event) {
    match event {
        Event::RunStarted {
            run,
            environment,
            chosen,
            cannot_prove,
            at,
            ..
        } => {
            report.run = run.to_string();
            report.environment = *environment;
            report.chosen.clone_from(chosen);
            report.cannot_prove.clone_from(cannot_prove);
            report.started_at = at.to_string();
        }
        Event::StepFinished {
            step,
            took,
            outcome,
            detail,
        } => report.steps.push(StepReport {
            name: step.clone(),
            took_ms: took.as_secs_f64() * 1e3,
            error: problem(outcome),
            detail: detail.clone(),
        }),
        Event::UndoFinished { name, outcome, .. } => {
            report.undo.push(UndoLine {
                name: name.clone(),
                error: problem(outcome),
            });
        }
        Event::Collected { what, path } => {
            report.collected.push(CollectedFile {
                what: what.clone(),
                path: path.clone(),
            });
        }
        Event::RunFinished {
            exit_code,
            counts,
            took,
        } => {
            report.took_ms = took.as_secs_f64() * 1e3;
            report.counts = *counts;
            report.exit_code = *exit_code;
            report.exit_meaning = ExitCode::meaning(*exit_code);
        }
        Event::Warning { text, hint } => report.warnings.push(match hint {
            Some(hint) => format!("{text} (hint: {hint})"),
            None => text.clone(),
        }),
        _ => {}
    }
}

fn problem(outcome: &StepOutcome) -> Option<String> {
    match outcome {
        StepOutcome::Ok => None,
        StepOutcome::Failed { error, .. } => Some(error.clone()),
        StepOutcome::TimedOut => Some("timed out".to_owned()),
        StepOutcome::Interrupted => Some("interrupted".to_owned()),
    }
}
