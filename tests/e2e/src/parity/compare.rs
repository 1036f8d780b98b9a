//! The comparison of two recorded runs: a pure function of both and of the list of known differences.

use std::collections::BTreeSet;

use testbed::EnvironmentName;
use trace::Shape;

use super::known::{Known, Which};
use super::recorded::{Recorded, RecordedCase, RecordedScenario};
use super::{Compared, Difference, Only, Parity, Side, Stale, What};

/// Compares every scenario that both runs played. The order of cases within a scenario is its own; cases of the same name
/// are compared in the order in which they were judged.
#[must_use]
pub fn compare(left: &Recorded, right: &Recorded, known: &[Known]) -> Parity {
    let pair = Pair { left, right, known };
    let mut used = BTreeSet::new();
    let mut compared = Vec::new();
    let mut only = Vec::new();
    for here in &left.scenarios {
        let there = find(right, here);
        match there.filter(|there| !there.skipped()) {
            Some(there) if !here.skipped() => compared.push(pair.scenario(here, there, &mut used)),
            Some(there) => only.push(only_in(right, there, Some(here))),
            None if !here.skipped() => only.push(only_in(left, here, there)),
            None => {}
        }
    }
    let unmatched = right
        .scenarios
        .iter()
        .filter(|there| !there.skipped() && find(left, there).is_none());
    only.extend(unmatched.map(|there| only_in(right, there, None)));
    Parity {
        left: side(left),
        right: side(right),
        stale: pair.stale(&compared, &used),
        compared,
        only,
    }
}

fn side(run: &Recorded) -> Side {
    Side {
        run: run.run.clone(),
        environment: run.environment,
    }
}

fn find<'r>(run: &'r Recorded, like: &RecordedScenario) -> Option<&'r RecordedScenario> {
    run.scenarios
        .iter()
        .find(|one| one.name == like.name && one.round == like.round)
}

fn only_in(run: &Recorded, played: &RecordedScenario, skipped: Option<&RecordedScenario>) -> Only {
    Only {
        scenario: played.name.clone(),
        in_environment: run.environment,
        reason: skipped.and_then(|one| one.reason.clone()),
    }
}

struct Pair<'r> {
    left: &'r Recorded,
    right: &'r Recorded,
    known: &'r [Known],
}

/// Known differences that showed: place on the list, and scenario.
type Used = BTreeSet<(usize, String)>;

impl Pair<'_> {
    fn scenario(&self, here: &RecordedScenario, there: &RecordedScenario, used: &mut Used) -> Compared {
        let mut compared = Compared {
            scenario: here.name.clone(),
            round: here.round,
            traces: 0,
            spans: 0,
            differences: Vec::new(),
        };
        if here.result != there.result {
            compared.differences.push(Difference {
                case: None,
                what: What::Result {
                    left: here.result.clone(),
                    right: there.result.clone(),
                },
                known: None,
            });
        }
        for (place, case) in here.cases.iter().enumerate() {
            let nth = nth(&here.cases, place);
            match of_name(&there.cases, &case.label).nth(nth) {
                Some(other) => self.case(&mut compared, case, other, used),
                None => compared
                    .differences
                    .push(missing(&case.label, self.right.environment)),
            }
        }
        for (place, case) in there.cases.iter().enumerate() {
            if of_name(&here.cases, &case.label)
                .nth(nth(&there.cases, place))
                .is_none()
            {
                compared
                    .differences
                    .push(missing(&case.label, self.left.environment));
            }
        }
        compared
    }

    fn case(&self, compared: &mut Compared, here: &RecordedCase, there: &RecordedCase, used: &mut Used) {
        let differs = |what, known| Difference {
            case: Some(here.label.clone()),
            what,
            known,
        };
        let (left, right) = (here.verdict.gist(), there.verdict.gist());
        if left != right {
            compared
                .differences
                .push(differs(What::Verdict { left, right }, None));
        }
        match (&here.shape, &there.shape) {
            (Some(shape), Some(other)) => {
                compared.traces += 1;
                compared.spans += shape.lines().len();
                if let Some(diff) = shape.diff(other) {
                    let known = self.explained(&compared.scenario, shape, other, used);
                    compared.differences.push(differs(What::Shape { diff }, known));
                }
            }
            (None, None) => {}
            (shape, _) => {
                let lacks = if shape.is_none() { self.left } else { self.right };
                let in_environment = lacks.environment;
                compared
                    .differences
                    .push(differs(What::Missing { in_environment }, None));
            }
        }
    }

    /// Why one shape is the other, when the entries for this scenario explain everything that differs.
    fn explained(&self, scenario: &str, here: &Shape, there: &Shape, used: &mut Used) -> Option<String> {
        let (mut here, mut there) = (here.clone(), there.clone());
        let mut entries = Vec::new();
        for (place, entry) in self.known.iter().enumerate() {
            if !entry.scenarios.contains(&scenario) {
                continue;
            }
            let shape = match entry.first_of(self.left.environment, self.right.environment) {
                Some(Which::Left) => &mut here,
                Some(Which::Right) => &mut there,
                None => continue,
            };
            let translated = shape.reworded(|line| entry.translate(line));
            if translated != *shape {
                *shape = translated;
                entries.push((place, entry.reason));
            }
        }
        if here != there {
            return None;
        }
        used.extend(entries.iter().map(|(place, _)| (*place, scenario.to_owned())));
        let reasons: Vec<&str> = entries.iter().map(|(_, reason)| *reason).collect();
        Some(reasons.join("; "))
    }

    /// Entries whose scenarios were compared and did not show what they excuse.
    fn stale(&self, compared: &[Compared], used: &Used) -> Vec<Stale> {
        let (left, right) = (self.left.environment, self.right.environment);
        let mut stale = Vec::new();
        for (place, entry) in self.known.iter().enumerate() {
            if entry.first_of(left, right).is_none() {
                continue;
            }
            for scenario in entry.scenarios {
                let played = compared.iter().any(|one| one.scenario == *scenario);
                if played && !used.contains(&(place, (*scenario).to_owned())) {
                    stale.push(Stale {
                        scenario: (*scenario).to_owned(),
                        reason: entry.reason,
                    });
                }
            }
        }
        stale
    }
}

fn of_name<'c>(cases: &'c [RecordedCase], label: &'c str) -> impl Iterator<Item = &'c RecordedCase> {
    cases.iter().filter(move |case| case.label == label)
}

/// How many cases before this one have its name.
fn nth(cases: &[RecordedCase], place: usize) -> usize {
    of_name(&cases[..place], &cases[place].label).count()
}

fn missing(label: &str, in_environment: EnvironmentName) -> Difference {
    Difference {
        case: Some(label.to_owned()),
        what: What::Missing { in_environment },
        known: None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
