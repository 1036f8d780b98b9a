//! What the runs that are still on disk have shown of a scenario.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use trace::Verdict;

/// A scenario or twin as a run's `report.json` has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// When the run began.
    pub at: Timestamp,
    /// The page to open.
    pub page: PathBuf,
    /// How it ended.
    pub result: Ended,
    /// What the judge said; `None` when it was not played to the end.
    pub verdict: Option<Verdict>,
    /// Why it was skipped or not played to the end.
    pub why: Option<String>,
}

/// How a scenario or twin ended; a twin that is judged as it must be has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// The telemetry never settled.
    Inconclusive,
    /// Not played.
    Skipped,
}

#[derive(Deserialize)]
struct Report {
    started_at: Timestamp,
    scenarios: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    result: Ended,
    verdict: Option<Verdict>,
    error: Option<String>,
    reason: Option<String>,
}

/// The newest run below `root` that played this scenario, not before `since`. Directories without a report that can be read are
/// passed over: a run that was killed has none, and one that still goes on has none yet.
#[must_use]
pub fn newest(root: &Path, scenario: &str, since: Option<Timestamp>) -> Option<Played> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    // `latest` points to a run that is there under its own name, too.
    let runs = entries
        .map(|entry| entry.path())
        .filter(|path| !path.is_symlink());
    let played = runs.filter_map(|run| read(&run, scenario));
    played
        .filter(|played| since.is_none_or(|since| played.at >= since))
        .max_by_key(|played| played.at)
}

fn read(run: &Path, scenario: &str) -> Option<Played> {
    let bytes = std::fs::read(run.join("report.json")).ok()?;
    let report: Report = serde_json::from_slice(&bytes).ok()?;
    // Of several rounds the last one counts, as the last of several runs does.
    let entry = report
        .scenarios
        .into_iter()
        .rfind(|entry| entry.name == scenario)?;
    Some(Played {
        at: report.started_at,
        page: run.join(crate::report::PAGE),
        result: entry.result,
        verdict: entry.verdict,
        why: entry.error.or(entry.reason),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use testbed::event::Counts;

    use super::*;
    use crate::report::model::{Outcome, RunReport};
    use crate::report::recorded;

    fn write(root: &Path, run: &str, started_at: &str, outcome: Outcome) {
        let case = recorded::case("order", &recorded::lost_header());
        let mut report: RunReport = recorded::run(
            vec![recorded::scenario("a", outcome, vec![case])],
            Counts::default(),
        );
        report.started_at = started_at.to_owned();
        let folder = root.join(run);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("report.json"), serde_json::to_vec(&report).unwrap()).unwrap();
    }

    #[test]
    fn the_newest_run_counts_and_says_what_the_judge_said() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(newest(&root.join("none"), "a", None), None);
        write(root, "bbbb", "2026-11-01T10:00:00Z", Outcome::Passed);
        write(root, "aaaa", "2026-11-01T11:00:00Z", Outcome::Failed);
        fs::write(root.join("workshop.json"), "{}").unwrap();
        fs::create_dir(root.join("cccc")).unwrap();
        let played = newest(root, "a", None).unwrap();
        assert_eq!(played.result, Ended::Failed);
        assert_eq!(played.page, root.join("aaaa/report.html"));
        let cause = played.verdict.unwrap().primary_cause().unwrap().to_string();
        assert!(cause.starts_with("the traceparent header was lost"), "{cause}");
        assert_eq!(newest(root, "a/b", None), None);
        assert_eq!(
            newest(root, "a", Some("2026-11-01T12:00:00Z".parse().unwrap())),
            None
        );
    }

    #[test]
    fn a_skipped_scenario_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let reason = "there is no debugger".to_owned();
        write(
            folder.path(),
            "aaaa",
            "2026-11-01T10:00:00Z",
            Outcome::Skipped { reason },
        );
        let played = newest(folder.path(), "a", None).unwrap();
        assert_eq!(played.result, Ended::Skipped);
        assert_eq!(played.why.as_deref(), Some("there is no debugger"));
    }
}
