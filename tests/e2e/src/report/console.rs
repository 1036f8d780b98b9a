//! The console: results on standard output, the story on standard error; readable without colour.

mod left;
mod lines;
mod request;

use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use testbed::event::{Event, Outcome as StepOutcome, Stamped};
use trace::Verdict;

use super::files::WriteError;
use super::model::{Outcome, RunReport};
use super::pipeline::Pipeline;
use lines::Lines;

/// Where names end and durations begin.
const NAME_WIDTH: usize = 76;

/// Causes told of one scenario, and facts shown of one that passed; the page has them all.
const MOST_FINDINGS: usize = 3;
const MOST_FACTS: usize = 24;

const OK: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();

/// Prints a run for people, or its events for programs.
#[derive(Debug)]
pub struct Console {
    verbose: bool,
    /// Whether the steps of a scenario are shown: where they can be folded away, and where they were asked for.
    steps: bool,
    lines: Lines,
    in_scenario: bool,
    /// Steps and scenarios that have begun and not ended, the newest last.
    going_on: Vec<String>,
    directory: String,
}

impl Console {
    /// A console for a run that writes into `directory`.
    #[must_use]
    pub fn new(verbose: bool, directory: &Path) -> Self {
        Self {
            verbose,
            steps: verbose,
            lines: Lines::of(&Pipeline::None),
            in_scenario: false,
            going_on: Vec::new(),
            directory: directory.display().to_string(),
        }
    }

    /// The same for a pipeline's log.
    #[must_use]
    pub fn for_pipeline(mut self, pipeline: &Pipeline) -> Self {
        self.lines = Lines::of(pipeline);
        self.steps |= matches!(pipeline, Pipeline::Github { .. });
        self
    }

    /// One event as one line of JSON on standard output.
    pub fn json(&self, event: &Stamped) {
        match serde_json::to_string(event) {
            Ok(line) => self.out(&line),
            Err(error) => self.err(&format!("error: an event can't be written as JSON: {error}")),
        }
    }

    /// One event for people.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted {
                run,
                environment,
                dir,
                chosen,
                cannot_prove,
                ..
            } => {
                let note = cannot_prove
                    .as_ref()
                    .map_or_else(String::new, |note| format!("  {FAINT}({note}){FAINT:#}"));
                self.out(&format!("run {run} · {environment} · {}{note}", dir.display()));
                if let Some(chosen) = chosen {
                    self.err(&format!("  {FAINT}{chosen}{FAINT:#}"));
                }
            }
            Event::StepStarted { step } => self.begin(step),
            Event::StepFinished {
                step,
                took,
                outcome,
                detail,
            } => {
                self.end(step);
                self.step(step, *took, outcome, detail.as_deref());
            }
            Event::ScenarioStarted { scenario, .. } => {
                self.in_scenario = true;
                self.begin(scenario);
            }
            Event::ScenarioFinished {
                scenario,
                twin_of,
                verdict,
                as_expected,
                took,
                file,
            } => {
                self.in_scenario = false;
                self.end(scenario);
                self.scenario(scenario, twin_of.as_deref(), verdict, *as_expected, *took);
                if !as_expected && let Some(file) = file {
                    self.out(&format!(
                        "          report    {}/{}",
                        self.directory,
                        file.display()
                    ));
                }
            }
            Event::ScenarioSkipped { scenario, reason } => {
                self.out(&line(OPEN, "skip", scenario, None));
                self.out(&format!("          because   {reason}"));
            }
            Event::Recovered { how, .. } => self.out(&format!("          {FAINT}recovered {how}{FAINT:#}")),
            Event::RequestSeen(seen) => request::lines(seen).iter().for_each(|line| self.out(line)),
            Event::ProcessPrinted { process, line } => {
                self.err(&format!("{FAINT}{process} |{FAINT:#} {line}"));
            }
            Event::Shown { text } => self.out(text.trim_end()),
            Event::Note { text } => self.err(&format!("note: {text}")),
            Event::Error { text, hint } => self.told(&format!("{BAD}error{BAD:#}: {text}"), hint.as_deref()),
            Event::Warning { text, hint } => {
                self.told(&format!("{OPEN}warning{OPEN:#}: {text}"), hint.as_deref());
            }
            Event::UndoFinished { name, took, outcome } => {
                if *outcome != StepOutcome::Ok || self.steps {
                    self.step(&format!("undo: {name}"), *took, outcome, None);
                }
            }
            Event::UndoLeft {
                name,
                by_hand,
                because,
            } => self.err(&left::line(name, by_hand, because)),
            Event::Collected { what, path } => {
                self.err(&format!("  kept  {what}: {}/{}", self.directory, path.display()));
            }
            Event::RunFinished { .. } => self.lines.spin(None),
        }
    }

    fn told(&self, line: &str, hint: Option<&str>) {
        self.err(line);
        self.hint(hint);
    }

    fn hint(&self, hint: Option<&str>) {
        if let Some(hint) = hint {
            self.err(&format!("hint: {hint}"));
        }
    }

    fn step(&self, name: &str, took: Duration, outcome: &StepOutcome, detail: Option<&str>) {
        let detail = detail.map_or_else(String::new, |detail| format!("  {detail}"));
        match outcome {
            StepOutcome::Ok if self.in_scenario && !self.steps => {}
            StepOutcome::Ok => self.err(&format!("{}{detail}", line(OK, "ok", name, Some(took)))),
            StepOutcome::Failed { error, hint } => {
                self.err(&line(BAD, "FAIL", name, Some(took)));
                for row in error.lines() {
                    self.err(&format!("          {row}"));
                }
                self.hint(hint.as_deref());
            }
            StepOutcome::TimedOut => {
                self.err(&format!("{}  timed out", line(BAD, "FAIL", name, Some(took))));
            }
            StepOutcome::Interrupted => {
                self.err(&format!("{}  interrupted", line(OPEN, "stop", name, Some(took))));
            }
        }
    }

    fn scenario(
        &self,
        name: &str,
        twin_of: Option<&str>,
        verdict: &Verdict,
        as_expected: bool,
        took: Duration,
    ) {
        // A twin's line begins with a stroke under its scenario, whose name it need not repeat.
        let short = twin_of
            .and_then(|scenario| name.strip_prefix(scenario))
            .map_or_else(|| name.to_owned(), |twin| format!("  {twin}"));
        let (style, word) = match (as_expected, verdict) {
            (true, _) => (OK, "ok"),
            (false, Verdict::Inconclusive { .. }) => (OPEN, "open"),
            (false, _) => (BAD, "FAIL"),
        };
        self.out(&line(style, word, &short, Some(took)));
        match verdict {
            Verdict::Pass { shown } if as_expected && self.verbose => {
                for fact in shown.iter().take(MOST_FACTS) {
                    self.out(&format!("          {FAINT}shown     {fact}{FAINT:#}"));
                }
                if shown.len() > MOST_FACTS {
                    let more = shown.len() - MOST_FACTS;
                    self.out(&format!("          {FAINT}and       {more} more facts{FAINT:#}"));
                }
            }
            Verdict::Fail { mismatches } if as_expected && self.verbose => {
                if let Some(cause) = mismatches.iter().find_map(|mismatch| mismatch.cause.as_ref()) {
                    self.out(&format!("          {FAINT}judged    Fail: {cause}{FAINT:#}"));
                }
            }
            _ if as_expected => {}
            Verdict::Pass { .. } => {
                self.out("          expected  a twin that is judged as it must be");
                self.out("          found     judged Pass");
            }
            Verdict::Fail { .. } => self.findings(verdict),
            Verdict::Inconclusive { waited, last } => {
                self.out(&format!("          waited    {}", duration(*waited)));
                self.out(&format!("          last      {last}"));
            }
        }
    }

    /// What does not hold, each cause once. The page has the rest; a console that scrolls it all by hides what matters.
    fn findings(&self, verdict: &Verdict) {
        let findings = verdict.findings();
        let most = if self.verbose {
            findings.len()
        } else {
            MOST_FINDINGS
        };
        for finding in findings.iter().take(most) {
            let shown = if self.verbose { finding.mismatches.len() } else { 1 };
            for mismatch in finding.mismatches.iter().take(shown) {
                self.out(&format!("          expected  {}", mismatch.expected));
                self.out(&format!("          found     {}", mismatch.found));
            }
            if let Some(cause) = finding.cause {
                self.out(&format!("          cause     {cause}"));
            }
            let more = finding.mismatches.len() - shown;
            if more > 0 {
                let what = if finding.cause.is_some() {
                    "more for the same cause"
                } else {
                    "more"
                };
                self.out(&format!("          {FAINT}and       {more} {what}{FAINT:#}"));
            }
        }
        if findings.len() > most {
            self.out(&format!(
                "          {FAINT}and       {} more like these{FAINT:#}",
                findings.len() - most
            ));
        }
    }

    /// The end of a run: counts, where the report is, and for a failure the command that looks closer.
    pub fn summary(&self, report: &RunReport, page: &Path, errors: &[WriteError]) {
        let counts = report.counts;
        let twins = report.scenarios.iter().filter(|one| one.twin.is_some()).count();
        let scenarios = report.scenarios.len() - twins;
        let mut parts = vec![format!("{} as expected", counts.passed)];
        for (count, word) in [
            (counts.failed, "failed"),
            (counts.inconclusive, "inconclusive"),
            (counts.skipped, "skipped"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        let played = if report.scenarios.is_empty() {
            "nothing was played".to_owned()
        } else {
            format!(
                "{} and {}: {}",
                amount(scenarios, "scenario"),
                amount(twins, "twin"),
                parts.join(", ")
            )
        };
        self.out(&format!(
            "{played} · {} · {}",
            duration(Duration::from_secs_f64(report.took_ms / 1e3)),
            page.display()
        ));
        self.write_errors(errors);
        let left: Vec<&str> = report
            .undo
            .iter()
            .filter(|line| line.error.is_some())
            .map(|line| line.name.as_str())
            .collect();
        self.not_undone(&left);
        let bad = |outcome: &Outcome| matches!(outcome, Outcome::Failed | Outcome::Inconclusive);
        let failed: Vec<&str> = report
            .scenarios
            .iter()
            .filter(|one| bad(&one.outcome))
            .map(|one| one.name.as_str())
            .collect();
        if let Some(first) = failed.first() {
            self.err(&format!(
                "{BAD}error{BAD:#}: {} of {} not as expected",
                failed.len(),
                report.scenarios.len()
            ));
            self.err(&format!(
                "hint: rerun with `cargo xtask e2e --scenario {first} --keep`"
            ));
        } else if report.exit_code != 0 && report.errors.is_empty() {
            self.err(&format!("{BAD}error{BAD:#}: {}", report.exit_meaning));
        }
    }

    /// What is left on the undo stack.
    pub fn not_undone(&self, left: &[impl AsRef<str>]) {
        if !left.is_empty() {
            let left: Vec<&str> = left.iter().map(AsRef::as_ref).collect();
            self.err(&format!("{BAD}error{BAD:#}: not undone: {}", left.join(", ")));
            self.err("hint: `cargo xtask down` tries again");
        }
    }

    /// Files of the report that could not be written.
    pub fn write_errors(&self, errors: &[WriteError]) {
        for error in errors {
            self.err(&format!("{BAD}error{BAD:#}: {}", testbed::explain::chain(error)));
        }
    }

    fn begin(&mut self, what: &str) {
        self.going_on.push(what.to_owned());
        self.lines.spin(Some(what));
    }

    fn end(&mut self, what: &str) {
        if let Some(at) = self.going_on.iter().rposition(|one| one == what) {
            self.going_on.remove(at);
        }
        self.lines.spin(self.going_on.last().map(String::as_str));
    }

    fn out(&self, text: &str) {
        self.lines.out(text);
    }

    fn err(&self, text: &str) {
        self.lines.err(text);
    }
}

fn line(style: Style, word: &str, name: &str, took: Option<Duration>) -> String {
    let took = took.map_or_else(String::new, duration);
    format!("  {style}{word:<4}{style:#}  {name:<NAME_WIDTH$}{took:>8}")
}

/// `3 ms`, `1.4 s`, `2 min 5 s`.
fn duration(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60)
    }
}

fn amount(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
