//! Scenarios with their twins, as they belong together on the page.

use crate::report::model::{Outcome, ScenarioReport};

/// A scenario and its twins of one round.
#[derive(Debug)]
pub(super) struct Group<'r> {
    /// The scenario's name.
    pub(super) name: &'r str,
    /// Counts from 1 with `--repeat`.
    pub(super) round: u32,
    /// The scenario itself, unless only twins were asked for.
    pub(super) itself: Option<&'r ScenarioReport>,
    pub(super) twins: Vec<&'r ScenarioReport>,
}

/// Groups in the order in which they were played.
pub(super) fn groups(reports: &[ScenarioReport]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for report in reports {
        let name = report.twin.as_ref().map_or(report.name.as_str(), |twin| twin.of);
        let group = match groups
            .iter()
            .position(|group| group.name == name && group.round == report.round)
        {
            Some(place) => &mut groups[place],
            None => {
                groups.push(Group {
                    name,
                    round: report.round,
                    itself: None,
                    twins: Vec::new(),
                });
                let last = groups.len() - 1;
                &mut groups[last]
            }
        };
        match report.twin {
            Some(_) => group.twins.push(report),
            None => group.itself = Some(report),
        }
    }
    groups
}

/// The style of an outcome's mark, and its words.
pub(super) fn outcome(report: &ScenarioReport) -> (&'static str, &'static str) {
    match report.outcome {
        Outcome::Passed => ("good", "as expected"),
        Outcome::Failed => ("bad", "not as expected"),
        Outcome::Inconclusive => ("open", "inconclusive"),
        Outcome::Skipped { .. } => ("none", "skipped"),
    }
}

/// The name as words; that of a twin without its scenario's.
pub(super) fn title(report: &ScenarioReport) -> String {
    let own = report.name.rsplit('/').next().unwrap_or_default();
    own.replace('_', " ")
}
