//! Workloads that are not available, and what is in the way, as people are told.

use std::fmt;
use std::time::Duration;

use testbed::Explain;
use testbed::text::Took;

use super::readiness::Obstacle;

/// A Deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Workload {
    /// The Deployment of this name.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What keeps one workload from being available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which one.
    pub workload: Workload,
    /// What is in its way, the worst first.
    pub obstacles: Vec<Obstacle>,
    /// What Kubernetes warned of, newest last.
    pub warnings: Vec<String>,
    /// The last lines of its container, or of the one before when it was restarted.
    pub log: Vec<String>,
}

/// Workloads that did not become available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutError {
    /// How long was waited.
    pub waited: Duration,
    /// What was in the way.
    pub troubles: Vec<Trouble>,
}

impl fmt::Display for RolloutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .troubles
            .iter()
            .map(|trouble| trouble.workload.to_string())
            .collect();
        let hopeless = self.troubles.iter().any(Trouble::stays);
        let ending = if hopeless {
            "will not become available"
        } else {
            "not available"
        };
        write!(f, "{} {ending} after {}", names.join(", "), Took(self.waited))?;
        for trouble in &self.troubles {
            for line in trouble.lines() {
                write!(f, "\n  {}: {line}", trouble.workload)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for RolloutError {}

impl Explain for RolloutError {
    fn hint(&self) -> Option<String> {
        self.troubles
            .iter()
            .flat_map(|trouble| &trouble.obstacles)
            .find_map(|obstacle| obstacle.hint.clone())
            .or_else(|| {
                let probed = self.troubles.iter().any(Trouble::fails_its_probe);
                probed.then(|| {
                    "the container runs: compare the path and port of its probe with what its log shows"
                        .to_owned()
                })
            })
    }
}

impl Trouble {
    /// Those that say more than the obstacles do already.
    pub(super) fn add_warnings(&mut self, warnings: Vec<String>) {
        let said = |warning: &str| {
            let message = warning.split_once(": ").map_or(warning, |(_, message)| message);
            let message = message.trim_start_matches("Error: ");
            self.obstacles
                .iter()
                .any(|obstacle| obstacle.fact.contains(message))
        };
        let news: Vec<String> = warnings.into_iter().filter(|warning| !said(warning)).collect();
        self.warnings.extend(news);
    }

    pub(super) fn stays(&self) -> bool {
        self.obstacles.iter().any(|obstacle| obstacle.stays)
    }

    fn fails_its_probe(&self) -> bool {
        self.warnings
            .iter()
            .any(|warning| warning.contains("Readiness probe"))
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let obstacles = self.obstacles.iter().map(ToString::to_string);
        let log = self.log.iter().map(|line| format!("| {line}"));
        obstacles.chain(self.warnings.iter().cloned()).chain(log)
    }
}
