//! The log of a step in GitHub Actions: steps folded away, what is wrong beside the job, and the job's summary.

pub(super) mod command;
mod summary;

use testbed::event::{Event, Outcome};
use trace::Verdict;

use command::{END_GROUP, Level};

pub(super) use summary::{append, markdown};

/// GitHub shows ten annotations of each level per step; the last one says how many more there are.
const MOST_ERRORS: usize = 10;

/// Turns events into workflow commands, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// The kind of group that is open.
    group: Option<Group>,
    /// Scenarios and twins that were not as expected.
    errors: usize,
    /// What ended the run before its time.
    told: Vec<String>,
    /// The last thing that was warned about, which says why a run that played nothing came to its end when nothing else does.
    last_warning: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Steps,
    Undo,
}

impl Commands {
    /// Commands that come before the console's lines for an event. Results are never inside of a group: what is folded is
    /// how it went, not how it ended.
    pub(super) fn before(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::ScenarioStarted { scenario, .. } => {
                self.open(Group::Steps, &format!("steps of {scenario}"))
            }
            Event::UndoFinished { .. } if self.group != Some(Group::Undo) => self.open(Group::Undo, "undo"),
            Event::ScenarioFinished { .. }
            | Event::ScenarioSkipped { .. }
            | Event::UndoLeft { .. }
            | Event::Error { .. }
            | Event::RunFinished { .. } => self.close(),
            Event::StepFinished { outcome, .. } if *outcome != Outcome::Ok => self.close(),
            _ => Vec::new(),
        }
    }

    /// Commands that come after the console's lines for an event.
    pub(super) fn after(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::RunStarted { environment, .. } => {
                self.open(Group::Steps, &format!("bring up {environment}"))
            }
            Event::ScenarioFinished {
                scenario,
                twin_of,
                verdict,
                as_expected: false,
                ..
            } => self.scenario(scenario, twin_of.is_some(), verdict),
            // At the end, when its exit code is known.
            Event::Error { text, hint } => {
                self.told.push(hinted(text, hint.as_deref()));
                Vec::new()
            }
            Event::Warning { text, hint } => {
                let text = hinted(text, hint.as_deref());
                let line = command::annotation(Level::Warning, "Throughline", &text);
                self.last_warning = Some(text);
                vec![line]
            }
            Event::RunFinished { exit_code, .. } if *exit_code != 0 => self.end(*exit_code),
            _ => Vec::new(),
        }
    }

    fn open(&mut self, group: Group, title: &str) -> Vec<String> {
        let mut lines = self.close();
        self.group = Some(group);
        lines.push(command::group(title));
        lines
    }

    fn close(&mut self) -> Vec<String> {
        self.group
            .take()
            .map(|_| END_GROUP.to_owned())
            .into_iter()
            .collect()
    }

    fn scenario(&mut self, name: &str, twin: bool, verdict: &Verdict) -> Vec<String> {
        self.errors += 1;
        if self.errors >= MOST_ERRORS {
            return Vec::new();
        }
        let mut message = String::new();
        if twin {
            message = format!(
                "a twin that must be judged otherwise was judged {}\n",
                verdict.word()
            );
        }
        let lines = verdict.lines();
        let lines: Vec<String> = lines
            .iter()
            .map(|(label, line)| format!("{label:<9} {line}"))
            .collect();
        message.push_str(&lines.join("\n"));
        vec![command::annotation(Level::Error, name, message.trim_end())]
    }

    fn end(&self, exit_code: u8) -> Vec<String> {
        let meaning = crate::exit::ExitCode::meaning(exit_code);
        let title = format!("Throughline: {meaning}");
        let mut told = self.told.clone();
        if self.errors >= MOST_ERRORS {
            let more = self.errors - (MOST_ERRORS - 1);
            told.push(format!("{more} more not as expected: see the summary"));
        }
        if told.is_empty() && self.errors == 0 {
            let warning = self.last_warning.clone();
            told.push(warning.unwrap_or_else(|| format!("exit code {exit_code}")));
        }
        if told.is_empty() {
            return Vec::new();
        }
        vec![command::annotation(Level::Error, &title, &told.join("\n"))]
    }
}

fn hinted(text: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| text.to_owned(), |hint| format!("{text}\nhint: {hint}"))
}

#[cfg(test)]
mod tests;
