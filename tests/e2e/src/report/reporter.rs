//! The one consumer of events: prints while the run goes on, and writes the files when it is over.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use testbed::event::{Event, EventReceiver, Outcome as StepOutcome, Stamped};

use super::console::Console;
use super::files::{self, Outside, WriteError};
use super::github::Commands;
use super::model::{CollectedFile, Playing, RunReport, StepReport, UndoLine};
use super::pipeline::Pipeline;
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

/// Where a run is told.
#[derive(Debug, Clone)]
pub struct Outlets {
    /// What standard output carries.
    pub format: Format,
    /// Who reads it.
    pub pipeline: Pipeline,
    /// The run directory.
    pub directory: PathBuf,
    /// A second JUnit report.
    pub junit: Option<PathBuf>,
}

/// Consumes the events of one run.
#[derive(Debug)]
pub struct Reporter {
    events: EventReceiver,
    reports: Reports,
    console: Console,
    /// Workflow commands, in a step of GitHub Actions.
    commands: Option<Commands>,
    outlets: Outlets,
    record: Record,
}

/// What is kept of the events.
#[derive(Debug)]
struct Record {
    report: RunReport,
    /// What is being played.
    playing: Option<Playing>,
    /// How often each scenario and twin was begun.
    rounds: HashMap<String, u32>,
}

impl Reporter {
    /// A reporter for the run whose events these are.
    #[must_use]
    pub fn new(events: EventReceiver, reports: Reports, console: Console, outlets: Outlets) -> Self {
        Self {
            events,
            reports,
            console: console.for_pipeline(&outlets.pipeline),
            commands: matches!(outlets.pipeline, Pipeline::Github { .. }).then(Commands::default),
            outlets,
            record: Record {
                report: RunReport::empty(),
                playing: None,
                rounds: HashMap::new(),
            },
        }
    }

    /// Consumes events until the run is over; then writes the files.
    pub async fn consume(mut self) -> Written {
        while let Some(stamped) = self.events.recv_stamped().await {
            self.record.keep(&stamped.event);
            if let Event::RunFinished { .. } = &stamped.event {
                return self.finish(&stamped);
            }
            self.print(&stamped);
        }
        Written {
            page: self.outlets.directory.join(super::PAGE),
            errors: Vec::new(),
        }
    }

    fn finish(&mut self, last: &Stamped) -> Written {
        let report = &mut self.record.report;
        report.scenarios = std::mem::take(
            &mut *self
                .reports
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        report.logs = files::logs(&self.outlets.directory);
        let outside = Outside {
            junit: self.outlets.junit.clone(),
            summary: match &self.outlets.pipeline {
                Pipeline::Github { summary } => summary.clone(),
                Pipeline::None | Pipeline::Plain => None,
            },
        };
        let errors = files::write(&self.outlets.directory, &outside, report);
        self.print(last);
        let page = self.outlets.directory.join(super::PAGE);
        match self.outlets.format {
            Format::Human => self.console.summary(&self.record.report, &page, &errors),
            Format::Json => self.console.write_errors(&errors),
        }
        Written { page, errors }
    }

    fn print(&mut self, stamped: &Stamped) {
        let event = &stamped.event;
        let commands = self.commands.as_mut();
        let (before, after) = commands
            .map(|commands| (commands.before(event), commands.after(event)))
            .unwrap_or_default();
        self.command(&before);
        match self.outlets.format {
            // GitHub shows an annotation in the log as well.
            Format::Human if self.commands.is_some() && matches!(event, Event::Warning { .. }) => {}
            Format::Human => self.console.event(event),
            Format::Json => self.console.json(stamped),
        }
        self.command(&after);
    }

    /// GitHub's runner reads both streams; one that carries JSON is left alone.
    fn command(&self, lines: &[String]) {
        for line in lines {
            // A reader that went away is not an error of the run.
            let _ = match self.outlets.format {
                Format::Human => writeln!(io::stdout(), "{line}"),
                Format::Json => writeln!(io::stderr(), "{line}"),
            };
        }
    }
}

impl Record {
    /// Keeps what the report needs of an event.
    fn keep(&mut self, event: &Event) {
        let report = &mut self.report;
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
                scenario: self.playing.clone(),
                took_ms: took.as_secs_f64() * 1e3,
                error: problem(outcome),
                detail: detail.clone(),
            }),
            Event::ScenarioStarted { scenario, .. } => {
                let round = self.rounds.entry(scenario.clone()).or_default();
                *round += 1;
                self.playing = Some(Playing {
                    scenario: scenario.clone(),
                    round: *round,
                });
            }
            Event::ScenarioFinished { .. } => self.playing = None,
            Event::UndoFinished { name, outcome, .. } => {
                report.undo.push(UndoLine {
                    name: name.clone(),
                    error: problem(outcome),
                });
            }
            Event::UndoLeft {
                name,
                by_hand,
                because,
            } if !because.on_purpose() => report.undo.push(UndoLine {
                name: name.clone(),
                error: Some(format!("not tried: {because}; by hand: `{by_hand}`")),
            }),
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
            Event::Error { text, hint } => report.errors.push(hinted(text, hint.as_deref())),
            Event::Warning { text, hint } => report.warnings.push(hinted(text, hint.as_deref())),
            _ => {}
        }
    }
}

fn hinted(text: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| text.to_owned(), |hint| format!("{text} (hint: {hint})"))
}

fn problem(outcome: &StepOutcome) -> Option<String> {
    match outcome {
        StepOutcome::Ok => None,
        StepOutcome::Failed { error, .. } => Some(error.clone()),
        StepOutcome::TimedOut => Some("timed out".to_owned()),
        StepOutcome::Interrupted => Some("interrupted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use testbed::LeftBecause;

    use super::*;

    #[test]
    fn what_there_was_no_time_for_is_in_the_report_and_what_was_kept_is_not() {
        let mut record = Record {
            report: RunReport::empty(),
            playing: None,
            rounds: HashMap::new(),
        };
        for because in [LeftBecause::NoTime, LeftBecause::Kept] {
            record.keep(&Event::UndoLeft {
                name: "kind cluster tl".to_owned(),
                by_hand: "kind delete cluster --name tl".to_owned(),
                because,
            });
        }
        let told: Vec<(&str, Option<&str>)> = record
            .report
            .undo
            .iter()
            .map(|line| (line.name.as_str(), line.error.as_deref()))
            .collect();
        let error = "not tried: there was no time; by hand: `kind delete cluster --name tl`";
        assert_eq!(told, [("kind cluster tl", Some(error))]);
    }
}
