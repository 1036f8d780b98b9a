//! What there is to tell of a scenario that is not as expected, for every report that is text.

use trace::Verdict;
use trace::verdict::Line;

use super::model::{Outcome, ScenarioReport};

/// Whether somebody has to look at it.
pub(super) fn is_trouble(report: &ScenarioReport) -> bool {
    matches!(report.outcome, Outcome::Failed | Outcome::Inconclusive)
}

/// The scenario, also of a twin.
pub(super) fn scenario_of(report: &ScenarioReport) -> &str {
    report.twin.as_ref().map_or(report.name.as_str(), |twin| twin.of)
}

/// How it ended, in a word or two.
pub(super) const fn word(report: &ScenarioReport) -> &'static str {
    match report.outcome {
        Outcome::Passed => "as expected",
        Outcome::Failed => "not as expected",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Skipped { .. } => "skipped",
    }
}

/// What was expected, what was found and why, each with what kind of line it is.
pub(super) fn lines(report: &ScenarioReport) -> Vec<Line> {
    if let Some(error) = &report.error {
        return vec![("error", error.clone())];
    }
    let mut lines = Vec::new();
    if let Some(twin) = &report.twin {
        let judged = report.verdict.as_ref().map_or("not at all", Verdict::word);
        lines.push(("broken", twin.fault.clone()));
        lines.push(("must be", twin.must_be_judged.clone()));
        lines.push(("judged", judged.to_owned()));
    }
    lines.extend(report.verdict.iter().flat_map(Verdict::lines));
    lines
}

/// The one line that says most: why, or else what was found instead.
pub(super) fn headline(report: &ScenarioReport) -> String {
    if let (Some(twin), Some(verdict), None) = (&report.twin, &report.verdict, &report.error) {
        return format!(
            "a twin that must be judged {} was judged {}",
            twin.must_be_judged,
            verdict.word()
        );
    }
    let lines = lines(report);
    let first_of = |label: &str| {
        lines
            .iter()
            .find(|(it, _)| *it == label)
            .map(|(_, line)| line.clone())
    };
    let told = ["error", "cause", "missing", "found"]
        .into_iter()
        .find_map(first_of);
    told.unwrap_or_else(|| word(report).to_owned())
}
