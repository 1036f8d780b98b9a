//! Telepresence: whether it is there. The driver that connects and intercepts goes into this module.

use testbed::{Deadline, Explain, InterceptSpec, Missing, ProcessError};

use crate::reference::Version;
use crate::tool::{ToolMissing, ToolPath};

/// The oldest client whose `--format json` answers are known.
pub const OLDEST: Version = Version {
    major: 2,
    minor: 29,
    patch: 0,
};

/// Telepresence's command line, as it was found.
#[derive(Debug, Clone)]
pub struct Telepresence {
    tools: ToolPath,
}

/// Why Telepresence did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TelepresenceError {
    /// The program is missing.
    #[error(transparent)]
    Tool(#[from] ToolMissing),
    /// It could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// There is no connection to the cluster.
    #[error("{workload} can't be intercepted: this environment has no Telepresence connection")]
    NotConnected {
        /// The workload.
        workload: String,
    },
}

impl Explain for TelepresenceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Tool(error) => error.hint(),
            Self::Process(error) => error.hint(),
            Self::NotConnected { .. } => None,
        }
    }
}

impl Telepresence {
    /// Telepresence on this path.
    #[must_use]
    pub const fn new(tools: ToolPath) -> Self {
        Self { tools }
    }

    /// What is missing or unsuitable for an intercept.
    pub async fn preflight(&self, deadline: &Deadline) -> Vec<Missing> {
        match self.version(deadline).await {
            Ok(Some(version)) if version >= OLDEST => Vec::new(),
            Ok(found) => {
                let found = found.map_or_else(
                    || "does not tell its version".into(),
                    |version| format!("is {version}"),
                );
                vec![Missing {
                    fact: format!("telepresence {found}; {OLDEST} or newer is needed"),
                    cure: "see https://telepresence.io/docs/install/client".into(),
                }]
            }
            Err(error) => vec![Missing {
                fact: error.to_string(),
                cure: error.hint().unwrap_or_default(),
            }],
        }
    }

    async fn version(&self, deadline: &Deadline) -> Result<Option<Version>, TelepresenceError> {
        let tool = self.tools.find("telepresence", "intercept a service")?;
        let answer = tool.call(["version"]).run(deadline).await?.success()?;
        // `OSS Client         : v2.31.2`, followed by daemons that may not run.
        let client = answer
            .text()
            .lines()
            .find(|line| line.contains("Client"))
            .map(ToOwned::to_owned);
        Ok(client.and_then(|line| {
            line.split_whitespace()
                .find_map(|word| word.strip_prefix('v')?.parse().ok())
        }))
    }

    /// Sends a workload's traffic to the workstation.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn intercept(&mut self, spec: &InterceptSpec) -> Result<(), TelepresenceError> {
        Err(TelepresenceError::NotConnected {
            workload: spec.workload.clone(),
        })
    }

    /// Gives the traffic back. Leaving what is not intercepted is fine.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn leave(&mut self, _workload: &str) -> Result<(), TelepresenceError> {
        Ok(())
    }
}
