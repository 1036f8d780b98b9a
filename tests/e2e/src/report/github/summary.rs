//! A run as Markdown: what GitHub shows as the job's summary, with a picture of each trace that is not as expected.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use trace::words;

use crate::report::model::{Outcome, PictureReport, RunReport, ScenarioReport};
use crate::report::telling;

/// What a step may append in all; a longer summary is thrown away as a whole.
/// [Limits](https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits).
pub(crate) const LIMIT: usize = 1024 * 1024;

/// A Mermaid picture with more text than this is drawn by nobody: it is Mermaid's own `maxTextSize`.
const MOST_MERMAID: usize = 50_000;

/// What is said when the rest had no room; its length is set aside from the start.
const CUT: &str = "\nThe rest does not fit into a summary: it is in `report.html` in the run directory.\n";

/// The run in at most `limit` bytes. What does not fit is left out at the end and said to be.
pub(crate) fn markdown(report: &RunReport, limit: usize) -> String {
    let mut page = Page {
        text: String::new(),
        limit: limit.saturating_sub(CUT.len()),
        full: false,
    };
    page.add(&head(report));
    page.add(&table(report));
    for scenario in report.scenarios.iter().filter(|one| telling::is_trouble(one)) {
        page.add(&words_of(scenario));
        for picture in scenario.cases.iter().filter_map(|case| case.picture.as_ref()) {
            page.add(&picture_of(picture));
        }
    }
    page.add(&skipped(report));
    page.finish(limit)
}

/// Appends the summary to GitHub's file, as much of it as a step has left.
pub(crate) fn append(path: &Path, report: &RunReport) -> io::Result<()> {
    let mut file = std::fs::File::options().create(true).append(true).open(path)?;
    let taken = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(markdown(report, LIMIT.saturating_sub(taken)).as_bytes())?;
    file.flush()
}

/// Whole parts are added while there is room, so that no fence stays open.
struct Page {
    text: String,
    limit: usize,
    full: bool,
}

impl Page {
    fn add(&mut self, part: &str) {
        self.full |= self.text.len() + part.len() > self.limit;
        if !self.full {
            self.text.push_str(part);
        }
    }

    fn finish(mut self, limit: usize) -> String {
        if self.full && self.text.len() + CUT.len() <= limit {
            self.text.push_str(CUT);
        }
        self.text
    }
}

fn head(report: &RunReport) -> String {
    let sign = if report.exit_code == 0 { "✅" } else { "❌" };
    let counts = report.counts;
    let mut text = format!(
        "## {sign} Throughline: {}\n\nrun `{}` in `{}`, {}: {}",
        plain(report.exit_meaning),
        report.run,
        report.environment,
        words::duration(Duration::try_from_secs_f64(report.took_ms / 1e3).unwrap_or_default()),
        if report.scenarios.is_empty() {
            "nothing was played".to_owned()
        } else {
            format!("{} as expected", counts.passed)
        }
    );
    for (count, what) in [
        (counts.failed, "not as expected"),
        (counts.inconclusive, "inconclusive"),
        (counts.skipped, "skipped"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text.push_str(".\n");
    for note in report.chosen.iter().chain(&report.cannot_prove) {
        let _ = write!(text, "\n> {}\n", plain(note));
    }
    let failed_steps = report.steps.iter().filter(|step| step.scenario.is_none());
    for step in failed_steps {
        if let Some(error) = &step.error {
            let _ = write!(
                text,
                "\n**{}** failed:\n\n{}",
                plain(&step.name),
                fenced("text", error)
            );
        }
    }
    for error in &report.errors {
        let _ = write!(text, "\n❌ {}\n", plain(error));
    }
    for warning in &report.warnings {
        let _ = write!(text, "\n⚠️ {}\n", plain(warning));
    }
    for line in &report.undo {
        if let Some(error) = &line.error {
            let _ = write!(text, "\n⚠️ not undone: {}: {}\n", plain(&line.name), plain(error));
        }
    }
    text
}

/// One row for each scenario, its twins counted.
fn table(report: &RunReport) -> String {
    if report.scenarios.is_empty() {
        return String::new();
    }
    let mut text = "\n| | scenario | twins as expected | took |\n|---|---|---|---|\n".to_owned();
    let mut seen: Vec<(&str, u32)> = Vec::new();
    for one in &report.scenarios {
        let key = (telling::scenario_of(one), one.round);
        if !seen.contains(&key) {
            seen.push(key);
        }
    }
    for (scenario, round) in seen {
        let of_it = || {
            report
                .scenarios
                .iter()
                .filter(move |one| telling::scenario_of(one) == scenario && one.round == round)
        };
        let twins = of_it().filter(|one| one.twin.is_some());
        let good = twins.clone().filter(|one| one.outcome == Outcome::Passed).count();
        let took: f64 = of_it().map(|one| one.took_ms).sum();
        let bad = of_it().any(telling::is_trouble);
        let skipped = of_it().all(|one| matches!(one.outcome, Outcome::Skipped { .. }));
        let sign = if bad {
            "❌"
        } else if skipped {
            "⏭️"
        } else {
            "✅"
        };
        let round = if round > 1 {
            format!(" (round {round})")
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "| {sign} | `{scenario}`{round} | {good} of {} | {} |",
            twins.count(),
            words::duration(Duration::try_from_secs_f64(took / 1e3).unwrap_or_default())
        );
    }
    text
}

fn words_of(scenario: &ScenarioReport) -> String {
    let rows: Vec<String> = telling::lines(scenario)
        .iter()
        .map(|(label, line)| format!("{label:<9} {line}"))
        .collect();
    format!(
        "\n### {} `{}`\n\n{}\n{}",
        telling::word(scenario),
        scenario.name,
        plain(&scenario.about),
        fenced("text", &rows.join("\n"))
    )
}

fn picture_of(picture: &PictureReport) -> String {
    if picture.mermaid.len() > MOST_MERMAID {
        return format!(
            "\nThe trace is too large to be drawn here: `{}` in the run directory.\n",
            picture.file.with_extension("mmd").display()
        );
    }
    format!(
        "\n{}\n{}",
        plain(&picture.path),
        fenced("mermaid", &picture.mermaid)
    )
}

fn skipped(report: &RunReport) -> String {
    let mut text = String::new();
    for one in &report.scenarios {
        if let Outcome::Skipped { reason } = &one.outcome {
            let _ = writeln!(text, "- `{}`: {}", one.name, plain(reason));
        }
    }
    if text.is_empty() {
        return text;
    }
    format!("\n<details><summary>Skipped</summary>\n\n{text}\n</details>\n")
}

/// Text as it is: no line of it can end the fence.
fn fenced(language: &str, text: &str) -> String {
    let mut longest = 2;
    let mut here = 0;
    for character in text.chars() {
        here = if character == '`' { here + 1 } else { 0 };
        longest = longest.max(here);
    }
    let fence = "`".repeat(longest + 1);
    let text: String = text
        .chars()
        .filter(|it| !it.is_control() || matches!(it, '\n' | '\t'))
        .collect();
    format!("\n{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

/// Text in a sentence: on one line, and nothing in it is Markdown, HTML or a mention of somebody.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut last = ' ';
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        match character {
            ' ' if last == ' ' => {}
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '@' => plain.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' => {
                plain.push('\\');
                plain.push(character);
            }
            _ => plain.push(character),
        }
        last = character;
    }
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
