//! Runs of `throughline e2e`, watched from outside: when which event came in.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;
use testbed::{Call, ProcessError, ProcessSpec, Run};

/// How long a whole run may take, its undo included.
const LIMIT: Duration = Duration::from_secs(900);
/// How long a run that is interrupted has for its own undo.
const GRACE: Duration = Duration::from_secs(120);

/// Starts runs.
#[derive(Debug)]
pub(super) struct Player {
    program: PathBuf,
    image_bin_dir: PathBuf,
    root: PathBuf,
}

/// One run. Times are milliseconds since the program was started.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Played {
    /// Until the first scenario began: everything is up and proven.
    pub(super) up_ms: f64,
    /// Until the first verdict.
    pub(super) first_verdict_ms: f64,
    /// Until the last verdict.
    pub(super) last_verdict_ms: f64,
    /// Until the program ended, everything undone.
    pub(super) wall_ms: f64,
    /// Every intercept in the order of their proofs.
    pub(super) intercepts: Vec<Intercept>,
    /// Steps that led to the first scenario, with what each took.
    pub(super) steps: Vec<Step>,
    /// Scenarios and twins that ended as they must.
    pub(super) as_expected: usize,
    /// Those that did not, by name.
    pub(super) not_as_expected: Vec<String>,
    /// How the program ended.
    pub(super) ended: String,
    /// Where its run can be looked at.
    pub(super) directory: String,
}

/// An intercept, from the request to the proof.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Intercept {
    /// Until Telepresence said that it is active.
    pub(super) claimed_ms: f64,
    /// From there until nonces through the cluster were answered by our process.
    pub(super) proven_ms: f64,
}

/// A step on the way up.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) took_ms: f64,
    /// When it ended.
    pub(super) ended_ms: f64,
}

impl Player {
    pub(super) fn new(bin_dir: &Path, image_bin_dir: &Path, root: PathBuf) -> Self {
        Self {
            program: bin_dir.join("throughline"),
            image_bin_dir: image_bin_dir.to_owned(),
            root,
        }
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a scenario of that name.
    pub(super) async fn knows(&self, run: &Run, scenario: &str) -> Result<bool> {
        let call = Call::new(ProcessSpec::new("list", &self.program).args(["e2e", "--list"]));
        let answer = run.call(&call, &run.deadline(GRACE)).await?.success()?;
        Ok(answer.text().lines().any(|line| line == scenario))
    }

    /// Runs `throughline e2e` to its end, whatever the end is.
    pub(super) async fn play(&self, run: &Run, args: &[&str]) -> Result<Played> {
        let spec = ProcessSpec::new("throughline", &self.program)
            .arg("e2e")
            .args(args.iter().copied())
            .args(["--format", "json"])
            .arg("--root")
            .arg(&self.root)
            .arg("--image-bin-dir")
            .arg(&self.image_bin_dir)
            .grace(GRACE);
        let deadline = run.deadline(LIMIT);
        let began = Instant::now();
        let process = run.supervise(spec)?;
        let mut watch = Watch::default();
        let over = process
            .line(&deadline, |line| {
                let event: Value = serde_json::from_str(line).ok()?;
                watch.event(began.elapsed(), &event);
                (event["event"] == "run_finished").then_some(())
            })
            .await;
        match over {
            // A run without a last event tells by its exit code what it has to say.
            Ok(()) | Err(ProcessError::Died { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let exit = process.ended(&deadline).await?;
        let mut played = watch.played;
        played.wall_ms = millis(began.elapsed());
        played.ended = exit.to_string();
        process.stop(GRACE).await?;
        if played.as_expected + played.not_as_expected.len() == 0 {
            bail!(
                "`throughline e2e {}` played nothing: {exit}\n{}",
                args.join(" "),
                process.tail().join("\n")
            );
        }
        if !exit.success() && played.not_as_expected.is_empty() {
            played.not_as_expected.push(format!("the run: {exit}"));
        }
        Ok(played)
    }
}

impl Played {
    /// Whether everything was as expected.
    pub(super) fn passed(&self) -> bool {
        self.not_as_expected.is_empty()
    }

    /// An error that names what was not as expected.
    pub(super) fn must_pass(&self) -> Result<()> {
        if self.passed() {
            return Ok(());
        }
        bail!(
            "not as expected: {} ({})",
            self.not_as_expected.join(", "),
            self.directory
        );
    }

    /// For the progress of the bench.
    pub(super) fn gist(&self) -> String {
        let seconds = |millis: f64| millis / 1e3;
        let word = if self.passed() { "ok" } else { "NOT AS EXPECTED" };
        format!(
            "{word}, up after {:.1} s, first verdict {:.1} s, last verdict {:.1} s, over after {:.1} s",
            seconds(self.up_ms),
            seconds(self.first_verdict_ms),
            seconds(self.last_verdict_ms),
            seconds(self.wall_ms)
        )
    }
}

/// Collects what the events of a run tell.
#[derive(Debug, Default)]
struct Watch {
    played: Played,
    /// An intercept that is claimed and not proven yet.
    claimed: Option<f64>,
    scenarios: bool,
}

impl Watch {
    fn event(&mut self, at: Duration, event: &Value) {
        let played = &mut self.played;
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        let took = event["took_ms"].as_f64().unwrap_or_default();
        match text("event") {
            "run_started" => played.directory = text("dir").to_owned(),
            "scenario_started" if !self.scenarios => {
                self.scenarios = true;
                played.up_ms = millis(at);
            }
            "scenario_finished" => {
                played.last_verdict_ms = millis(at);
                if played.as_expected + played.not_as_expected.len() == 0 {
                    played.first_verdict_ms = millis(at);
                }
                if event["as_expected"] == true {
                    played.as_expected += 1;
                } else {
                    played.not_as_expected.push(text("scenario").to_owned());
                }
            }
            "step_finished" if text("step") == "intercept" => {
                self.claimed = (text("outcome") == "ok").then_some(took);
            }
            "step_finished" if text("step").starts_with("proof: the workstation") => {
                if let (Some(claimed_ms), "ok") = (self.claimed.take(), text("outcome")) {
                    played.intercepts.push(Intercept {
                        claimed_ms,
                        proven_ms: took,
                    });
                }
            }
            "step_finished" if !self.scenarios => played.steps.push(Step {
                name: text("step").to_owned(),
                took_ms: took,
                ended_ms: millis(at),
            }),
            _ => {}
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_is_told_by_its_events() {
        let step = |name: &str, took: f64| json!({"event": "step_finished", "step": name, "took_ms": took, "outcome": "ok"});
        let scenario = |name: &str, as_expected: bool| json!({"event": "scenario_finished", "scenario": name, "as_expected": as_expected});
        let events = [
            json!({"event": "run_started", "dir": "/runs/7f3a"}),
            step("kind cluster", 10_000.0),
            json!({"event": "scenario_started"}),
            step("intercept", 120.0),
            step("proof: the workstation's process, pid 42 answers", 30.0),
            scenario("a", true),
            json!({"event": "scenario_started"}),
            step("proof: the workstation's process, pid 43 answers", 99.0),
            scenario("b", false),
        ];
        let mut watch = Watch::default();
        for (second, event) in (1..).zip(&events) {
            watch.event(Duration::from_secs(second), event);
        }
        let played = watch.played;
        assert_eq!((played.up_ms, played.first_verdict_ms), (3_000.0, 6_000.0));
        assert_eq!(played.last_verdict_ms, 9_000.0);
        assert_eq!(played.steps.len(), 1, "steps of scenarios are not on the way up");
        assert_eq!(
            played.intercepts.len(),
            1,
            "a proof without an intercept is a restart"
        );
        assert_eq!(played.not_as_expected, ["b"]);
        assert!(played.must_pass().is_err());
    }
}
