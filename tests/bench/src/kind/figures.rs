//! What was measured, as JSON and as a table with what was wanted beside it.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::person::ByHand;
use super::played::{Intercept, Played};
use crate::report::Table;
use crate::sample::{median, percentile};
use crate::settle::orders::Summary;
use crate::usage::Machine;

/// From nothing to the first verdict: at most this share of what it takes by hand.
const SHARE: f64 = 0.6;
/// The whole suite on a warm cluster, milliseconds.
const SUITE: f64 = 60_000.0;
/// The walkthrough alone on a warm cluster, milliseconds.
const WALKTHROUGH: f64 = 9_000.0;
/// From an answer to its whole trace, for 99 of 100, milliseconds.
const VISIBLE: f64 = 500.0;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) cold: Vec<Cold>,
    pub(super) warm: Option<Warm>,
    pub(super) whole: Vec<Whole>,
}

/// One round from nothing.
#[derive(Debug, Serialize)]
pub(super) struct Cold {
    pub(super) by_hand: ByHand,
    pub(super) harness: Played,
}

/// What was measured on a kept cluster.
#[derive(Debug, Default, Serialize)]
pub(super) struct Warm {
    pub(super) suites: Vec<Played>,
    pub(super) walkthroughs: Vec<Played>,
    pub(super) settled: Option<Summary>,
}

/// One whole run of many.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    pub(super) passed: bool,
    pub(super) wall_ms: f64,
    pub(super) first_verdict_ms: f64,
    pub(super) not_as_expected: Vec<String>,
}

/// The results.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    what: &'static str,
    machine: Machine,
    cold: Vec<Cold>,
    warm: Option<Warm>,
    whole_runs: Vec<Whole>,
    /// What repeats the whole runs.
    whole_runs_by: Option<String>,
}

impl Figures {
    pub(super) fn of(measured: Measured, whole_runs_by: Option<String>) -> Result<Self> {
        Ok(Self {
            what: "kind",
            machine: Machine::this()?,
            cold: measured.cold,
            warm: measured.warm,
            whole_runs: measured.whole,
            whole_runs_by,
        })
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "# The environment on kind\n\n{}, {} cores, Linux {}. Medians, in seconds unless something else is said.\n",
            self.machine.cpu, self.machine.cores, self.machine.kernel
        );
        if !self.cold.is_empty() {
            text.push_str(&self.starts());
        }
        if let Some(warm) = &self.warm {
            text.push_str(&on_a_warm_cluster(warm));
            text.push_str(&self.beside_by_hand(&warm.suites));
        }
        if !self.whole_runs.is_empty() {
            text.push_str(&self.whole());
        }
        text
    }

    fn by_hand(&self) -> f64 {
        median(self.cold.iter().map(|round| round.by_hand.first_trace_ms))
    }

    fn starts(&self) -> String {
        let by_hand = self.by_hand();
        let harness = median(self.cold.iter().map(|round| round.harness.first_verdict_ms));
        let mut rows: Vec<Vec<String>> = medians(self.cold.iter().map(|round| {
            let steps = round.by_hand.steps.iter();
            steps.map(|step| (step.name.as_str(), step.ended_ms)).collect()
        }))
        .into_iter()
        .map(|(step, ended)| vec![format!("by hand: {step}"), seconds(ended)])
        .collect();
        let steps = medians(self.cold.iter().map(|round| {
            let steps = round.harness.steps.iter();
            steps.map(|step| (step.name.as_str(), step.ended_ms)).collect()
        }));
        rows.extend(
            steps
                .into_iter()
                .map(|(step, ended)| vec![format!("harness: {step}"), seconds(ended)]),
        );
        rows.push(vec!["**by hand: whole trace**".to_owned(), seconds(by_hand)]);
        rows.push(vec!["**harness: first verdict**".to_owned(), seconds(harness)]);
        let table = Table {
            head: vec!["done", "after"],
            rows,
        };
        let share = harness / by_hand;
        format!(
            "\n## From nothing to the first verdict\n\n\
             {} rounds, in turns: the commands of the walkthrough one after the other, and the harness. Nothing is built \
             meanwhile.\n\n{}\n- the harness takes {share:.2} of the time by hand (at most {SHARE}: {})\n",
            self.cold.len(),
            table.markdown(),
            met(share <= SHARE),
        )
    }

    /// Seconds are those of one machine; what the same commands take there by hand goes with them to any other.
    fn beside_by_hand(&self, suites: &[Played]) -> String {
        if self.cold.is_empty() || suites.is_empty() {
            return String::new();
        }
        let by_hand = self.by_hand();
        let suite = median(suites.iter().map(|run| run.last_verdict_ms));
        format!(
            "\nOn this machine the whole suite takes {:.2} times as long as the commands of the walkthrough by hand, from nothing.\n",
            suite / by_hand
        )
    }

    fn whole(&self) -> String {
        let passed = self.whole_runs.iter().filter(|run| run.passed).count();
        let wall = median(self.whole_runs.iter().map(|run| run.wall_ms));
        let mut text = format!(
            "\n## Whole runs, each from nothing\n\n\
             - {passed} of {} passed; {} s each, with the undo\n",
            self.whole_runs.len(),
            seconds(wall),
        );
        for (number, run) in (1..).zip(&self.whole_runs).filter(|(_, run)| !run.passed) {
            text.push_str(&format!(
                "- run {number} was not as expected: {}\n",
                run.not_as_expected.join(", ")
            ));
        }
        if let Some(command) = &self.whole_runs_by {
            text.push_str(&format!("- again: `{command}`\n"));
        }
        text
    }
}

fn on_a_warm_cluster(warm: &Warm) -> String {
    let mut text = String::from("\n## On a warm cluster\n\n");
    let mut limited = |what: &str, runs: &[Played], limit: f64| {
        if runs.is_empty() {
            return;
        }
        let found = median(runs.iter().map(|run| run.last_verdict_ms));
        let up = median(runs.iter().map(|run| run.up_ms));
        text.push_str(&format!(
            "- {what}, from the start of the program to its last verdict: {} s, of which {} s until everything is up (at most \
             {} s: {})\n",
            seconds(found),
            seconds(up),
            seconds(limit),
            met(found <= limit),
        ));
    };
    limited("the whole suite", &warm.suites, SUITE);
    limited("the walkthrough alone", &warm.walkthroughs, WALKTHROUGH);
    let intercepts: Vec<Intercept> = warm
        .suites
        .iter()
        .flat_map(|run| run.intercepts.iter().copied())
        .collect();
    if !intercepts.is_empty() {
        let row = |what: &str, of: fn(&Intercept) -> f64| {
            let mut values: Vec<f64> = intercepts.iter().map(of).collect();
            let (half, most) = (percentile(&mut values, 0.5), percentile(&mut values, 0.95));
            vec![what.to_owned(), format!("{half:.0}"), format!("{most:.0}")]
        };
        let table = Table {
            head: vec!["an intercept, ms", "median", "p95"],
            rows: vec![
                row("requested → Telepresence says that it is active", |one| {
                    one.claimed_ms
                }),
                row("→ proven by nonces through the cluster", |one| one.proven_ms),
                row("**requested → proven**", |one| one.claimed_ms + one.proven_ms),
            ],
        };
        text.push_str(&format!(
            "\n{} intercepts of those runs:\n\n{}",
            intercepts.len(),
            table.markdown()
        ));
    }
    if let Some(settled) = &warm.settled {
        let table = Table {
            head: vec!["orders", "p50, ms", "p90, ms", "p99, ms", "most, ms"],
            rows: vec![settled.cells()],
        };
        text.push_str(&format!(
            "\nFrom the end of an answer until Jaeger returns the whole trace, one order after the other, synchronous \
             profile:\n\n{}\n- p99: {:.0} ms (at most {VISIBLE} ms: {})\n",
            table.markdown(),
            settled.p99_ms,
            met(settled.p99_ms <= VISIBLE),
        ));
    }
    text
}

/// The median of each name over all rounds, in the order of the medians.
fn medians<'r>(rounds: impl Iterator<Item = Vec<(&'r str, f64)>>) -> Vec<(String, f64)> {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut count = 0;
    for round in rounds {
        count += 1;
        for (name, value) in round {
            values.entry(name).or_default().push(value);
        }
    }
    // What did not happen in most rounds says little: a name with a run's id in it, for instance.
    values.retain(|_, values| 2 * values.len() > count);
    let mut medians: Vec<(String, f64)> = values
        .into_iter()
        .map(|(name, values)| (name.to_owned(), median(values)))
        .collect();
    medians.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    medians
}

fn seconds(millis: f64) -> String {
    format!("{:.1}", millis / 1e3)
}

const fn met(holds: bool) -> &'static str {
    if holds { "met" } else { "MISSED" }
}

#[cfg(test)]
mod tests {
    use super::super::played::Step;
    use super::*;

    fn step(name: &str, ended_ms: f64) -> Step {
        Step {
            name: name.to_owned(),
            took_ms: ended_ms,
            ended_ms,
        }
    }

    fn figures(harness: f64, passed: bool) -> Figures {
        let round = || Cold {
            by_hand: ByHand {
                steps: vec![step("kind create cluster", 10_600.0)],
                first_trace_ms: 36_300.0,
            },
            harness: Played {
                steps: vec![step("kind cluster", 11_000.0)],
                first_verdict_ms: harness,
                ..Played::default()
            },
        };
        let whole = Whole {
            passed,
            wall_ms: 61_000.0,
            first_verdict_ms: 20_000.0,
            not_as_expected: if passed { vec![] } else { vec!["a/b".to_owned()] },
        };
        let suite = Played {
            up_ms: 7_000.0,
            last_verdict_ms: 45_000.0,
            intercepts: vec![Intercept {
                claimed_ms: 120.0,
                proven_ms: 80.0,
            }],
            ..Played::default()
        };
        Figures {
            what: "kind",
            machine: Machine {
                cpu: "a processor".to_owned(),
                cores: 2,
                kernel: "6.1".to_owned(),
            },
            cold: vec![round(), round()],
            warm: Some(Warm {
                suites: vec![suite],
                walkthroughs: Vec::new(),
                settled: Some(Summary {
                    orders: 500,
                    p50_ms: 20.0,
                    p90_ms: 30.0,
                    p99_ms: 40.0,
                    most_ms: 50.0,
                }),
            }),
            whole_runs: vec![whole],
            whole_runs_by: Some("cargo xtask bench kind --runs 1".to_owned()),
        }
    }

    #[test]
    fn what_was_wanted_stands_beside_what_was_found() {
        let text = figures(20_000.0, true).markdown();
        for part in [
            "| by hand: kind create cluster | 10.6 |",
            "| harness: kind cluster | 11.0 |",
            "takes 0.55 of the time by hand (at most 0.6: met)",
            "45.0 s, of which 7.0 s until everything is up (at most 60.0 s: met)",
            "the whole suite takes 1.24 times as long",
            "| **requested → proven** | 200 | 200 |",
            "p99: 40 ms (at most 500 ms: met)",
            "1 of 1 passed; 61.0 s each",
            "again: `cargo xtask bench kind --runs 1`",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("walkthrough alone"), "it was not played");
    }

    #[test]
    fn what_was_missed_is_said_and_what_failed_is_named() {
        let text = figures(30_000.0, false).markdown();
        assert!(
            text.contains("0.83 of the time by hand (at most 0.6: MISSED)"),
            "{text}"
        );
        assert!(text.contains("0 of 1 passed") && text.contains("run 1 was not as expected: a/b"));
    }
}
