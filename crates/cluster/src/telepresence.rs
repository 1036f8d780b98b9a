//! Telepresence, driven by its command line: traffic manager, connection, intercepts, and the way back.
//!
//! Its claims are only claims: that traffic really moves is proven by whoever asked for it, through the data plane.

mod answer;
mod cli;
mod complaint;
mod connection;
mod daemon;
mod dead_client;
mod error;
mod manager;
mod names;
mod remains;
mod root_daemon;
mod stale_questions;
mod status;
mod witness;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;
use serde_json::Value;
use testbed::{Deadline, Explain, InterceptSpec, Lease, Missing, Run, Selection};

pub use complaint::Complaint;
pub use error::TelepresenceError;
pub(crate) use manager::{
    LABEL as MANAGER_LABEL, NAMESPACE as MANAGER_NAMESPACE, SETTINGS as MANAGER_SETTINGS,
};
pub use manager::{Manager, Serves};
pub(crate) use names::names;
pub use witness::Witness;

use crate::machine::Machine;
use crate::reference::{ImageRef, Version};
use crate::tool::{Tool, ToolPath};
use cli::Cli;
use connection::Connection;
use stale_questions::Forgetter;
pub use stale_questions::forget as forget_stale_questions;

/// What two runs can't have at the same time.
pub(crate) const CONNECTION: &str = "the machine's Telepresence connection";

/// The oldest client whose `--format json` answers are known.
pub const OLDEST: Version = Version {
    major: 2,
    minor: 29,
    patch: 0,
};
/// From here on an intercept is ended with `detach`; `leave` is only its old name.
const DETACH: Version = Version {
    major: 2,
    minor: 30,
    patch: 0,
};

/// From here to there, an intercept with a header hangs after 256 requests when the process on the workstation keeps connections
/// open: the agent opens one for each caller's, and the client has room for 256 (`maxConcurrentDialResponders`). Header intercepts
/// came with the first; the second is the newest that was seen to do it.
const KEEPS_CONNECTIONS: std::ops::RangeInclusive<Version> = Version {
    major: 2,
    minor: 25,
    patch: 0,
}..=Version {
    major: 2,
    minor: 31,
    patch: 2,
};
/// Configuration, cache and logs of a run, in its directory.
const FOLDER: &str = "telepresence";

/// Limits of the steps: many times what they take on two busy processors.
const NAMES: Duration = REMEMBERED.saturating_add(Duration::from_secs(30));
/// For how long Telepresence remembers that there is no such name, also when it is wrong (`cacheTTL` in 2.31.2).
const REMEMBERED: Duration = Duration::from_secs(60);
/// A question to the running daemon.
const QUESTION: Duration = Duration::from_secs(20);

/// Telepresence's command line, as it was found, and its connection once there is one.
#[derive(Debug)]
pub struct Telepresence {
    tools: ToolPath,
    program: Option<PathBuf>,
    connection: Option<Connection>,
    // Two connections share one DNS chain: when one quits, the other loses its names.
    lease: Option<Lease>,
}

/// What a connection needs to know of the cluster.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The run's own kubeconfig.
    pub kubeconfig: &'a Path,
    /// The image of traffic manager and traffic agent.
    pub image: &'a ImageRef,
    /// Where locks of what the machine has once are kept: see [`Lease::machine_folder`].
    pub locks: &'a Path,
}

impl Telepresence {
    /// Telepresence on this path.
    #[must_use]
    pub const fn new(tools: ToolPath) -> Self {
        Self {
            tools,
            program: None,
            connection: None,
            lease: None,
        }
    }

    /// The program that `sudo` calls with `forget-questions`, for a user who is not root: see [`forget_stale_questions`].
    #[must_use]
    pub fn with_program(mut self, program: Option<PathBuf>) -> Self {
        self.program = program;
        self
    }

    /// What is missing or unsuitable for an intercept.
    pub async fn preflight(&self, deadline: &Deadline) -> Vec<Missing> {
        let missing = self.ready(deadline).await.err().map(|error| Missing {
            fact: testbed::explain::chain(&error),
            cure: error.hint().unwrap_or_else(|| "see the reason".into()),
        });
        missing.into_iter().collect()
    }

    /// Known defects of the version that was found, and what keeps them from doing harm here.
    pub async fn remarks(&self, deadline: &Deadline) -> Vec<String> {
        let Ok(tool) = self.tools.find("telepresence", "intercept a service") else {
            return Vec::new();
        };
        let found = version(&tool, deadline).await.ok().flatten();
        let known = found.filter(|version| KEEPS_CONNECTIONS.contains(version));
        let remark = known.map(|version| {
            format!(
                "Telepresence {version}: an intercept with a header hangs after 256 requests when the process on the workstation keeps \
                 connections open; the one that runs here closes them (`THROUGHLINE_CONNECTIONS=close`)"
            )
        });
        remark.into_iter().collect()
    }

    /// Makes sure that the machine's one connection is this run's, from now on until its end.
    ///
    /// # Errors
    /// Another run has it.
    pub fn reserve(&mut self, run: &Run, locks: &Path) -> Result<(), TelepresenceError> {
        if self.lease.is_none() {
            let holder = format!("run {} (pid {})", run.id(), std::process::id());
            self.lease = Some(Lease::take_of_machine(locks, CONNECTION, &holder)?);
        }
        Ok(())
    }

    /// Whoever puts the traffic manager into a cluster and takes it out again, beside whatever else is done.
    #[must_use]
    pub fn manager(&self) -> Manager {
        Manager::new(self.tools.clone())
    }

    /// Waits until the names of the walkthrough resolve on the workstation to what they are in the cluster, and makes sure that they
    /// do from every port. Answers what there was to do for the latter.
    ///
    /// # Errors
    /// They don't.
    pub async fn resolve_names(&self, run: &Run, client: &Client) -> Result<String, TelepresenceError> {
        names::resolve(client, &run.deadline(NAMES)).await?;
        // Now that Telepresence is seen to answer: whoever asked until now may have asked somebody else.
        Ok(self.forget_stale_questions().await)
    }

    /// The workloads that can be intercepted, by name.
    ///
    /// # Errors
    /// There is no connection, or it broke.
    pub async fn list(&self, run: &Run) -> Result<Vec<String>, TelepresenceError> {
        let connection = self.connection("any workload")?;
        let listed = connection
            .cli
            .ask(Some(run), &["list"], &run.deadline(QUESTION))
            .await?;
        let names = listed
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["name"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Sends a workload's traffic to the workstation.
    ///
    /// # Errors
    /// It refuses, or does not become active. A failed call may leave an intercept behind: it is detached again.
    pub async fn intercept(&mut self, run: &Run, spec: &InterceptSpec) -> Result<(), TelepresenceError> {
        let connection = self.connection(&spec.workload)?;
        let port = format!("{}:8080", spec.target.port());
        let header = match &spec.selection {
            Selection::All => None,
            Selection::Header { name, value } => Some(format!("{name}={value}")),
        };
        let mut args = vec![
            "intercept",
            spec.workload.as_str(),
            "--port",
            &port,
            "--mount=false",
            "--detailed-output",
        ];
        if let Some(header) = &header {
            args.extend(["--http-header", header]);
        }
        let deadline = run.deadline(TelepresenceError::OUTER_LIMIT);
        match connection
            .cli
            .ask(Some(run), &args, &deadline)
            .await
            .and_then(|answer| active(&answer).map(|()| variables(&answer)))
        {
            Ok(told) => {
                if let Some(connection) = &mut self.connection {
                    connection.variables.insert(spec.workload.clone(), told);
                }
                Ok(())
            }
            Err(error) => {
                // One that timed out on this side may become active later and be in the way of the next.
                let _ = self.leave(run, &spec.workload).await;
                Err(error)
            }
        }
    }

    /// Gives the traffic back. Leaving what is not intercepted is fine.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn leave(&mut self, run: &Run, workload: &str) -> Result<(), TelepresenceError> {
        // Whoever is not connected has no intercept, and a question would connect.
        let Some(connection) = self.connection.as_ref().filter(|one| one.is_up()) else {
            return Ok(());
        };
        let verb = if connection.version >= DETACH {
            "detach"
        } else {
            "leave"
        };
        match connection
            .cli
            .ask(Some(run), &[verb, workload], &run.deadline(QUESTION))
            .await
        {
            Ok(_) => Ok(()),
            Err(TelepresenceError::Other { reason, .. } | TelepresenceError::Workload { reason })
                if reason.contains("Found no") || reason.contains("not found") =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Takes the traffic agent out of a workload, which replaces its pods. One without an agent is fine.
    ///
    /// # Errors
    /// There is no connection, or it broke.
    pub async fn uninstall(&self, run: &Run, workload: &str) -> Result<(), TelepresenceError> {
        let connection = self.connection(workload)?;
        connection
            .cli
            .ask(Some(run), &["uninstall", workload], &run.deadline(QUESTION))
            .await?;
        Ok(())
    }

    /// The version of the client, once there was a connection.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.connection.as_ref().map(|connection| connection.version)
    }

    /// Whether an intercept with a header runs out of room when the process on the workstation keeps connections open.
    #[must_use]
    pub fn keeps_connections(&self) -> bool {
        self.version()
            .is_some_and(|version| KEEPS_CONNECTIONS.contains(&version))
    }

    /// The variables of an intercepted workload's container, as the intercept told them; empty before there was one.
    #[must_use]
    pub fn variables(&self, workload: &str) -> BTreeMap<String, String> {
        let told = self.connection.as_ref();
        told.and_then(|connection| connection.variables.get(workload).cloned())
            .unwrap_or_default()
    }

    async fn forget_stale_questions(&self) -> String {
        let forgetter = Forgetter::on(&Machine::this(), self.program.as_deref());
        forgetter.forget(&self.tools).await
    }

    fn connection(&self, workload: &str) -> Result<&Connection, TelepresenceError> {
        let missing = || TelepresenceError::NotConnected {
            workload: workload.to_owned(),
        };
        self.connection
            .as_ref()
            .filter(|connection| connection.is_up())
            .ok_or_else(missing)
    }

    /// The program with its version, when that can be used and nobody else is connected.
    async fn ready(&self, deadline: &Deadline) -> Result<(Tool, Version), TelepresenceError> {
        let tool = self.tools.find("telepresence", "intercept a service")?;
        let version = usable(&tool, deadline).await?;
        alone(&tool, deadline).await?;
        Ok((tool, version))
    }
}

/// Nobody else is connected. Connecting would silently replace their connection.
async fn alone(tool: &Tool, deadline: &Deadline) -> Result<(), TelepresenceError> {
    let status = Cli::of_the_user(tool.clone()).status(deadline).await?;
    match status.connected() {
        Some(daemon) => Err(TelepresenceError::Foreign {
            context: daemon.kubernetes_context.clone(),
            namespace: daemon.namespace.clone(),
        }),
        None => Ok(()),
    }
}

/// The version of the program, when it can be used.
async fn usable(tool: &Tool, deadline: &Deadline) -> Result<Version, TelepresenceError> {
    match version(tool, deadline).await? {
        Some(version) if version >= OLDEST => Ok(version),
        found => Err(TelepresenceError::Version {
            found: found.map_or_else(
                || "does not tell its version".into(),
                |version| format!("is {version}"),
            ),
            oldest: OLDEST,
        }),
    }
}

async fn version(tool: &Tool, deadline: &Deadline) -> Result<Option<Version>, TelepresenceError> {
    let answer = tool.call(["version"]).run(deadline).await?.success()?;
    // `OSS Client         : v2.31.2`, followed by daemons that may not run.
    let text = answer.text();
    let client = text.lines().find(|line| line.contains("Client"));
    Ok(client.and_then(|line| {
        line.split_whitespace()
            .find_map(|word| word.strip_prefix('v')?.parse().ok())
    }))
}

/// Configuration, cache and logs of a run are part of what it leaves to be read.
fn folder(run: &Run) -> Result<PathBuf, TelepresenceError> {
    let path = run.dir().file(FOLDER);
    // The daemon has another working folder than we have.
    std::path::absolute(&path).map_err(|source| TelepresenceError::Write { path, source })
}

/// Whether a detailed answer says that the intercept is active. An older or newer client that says nothing is believed for now:
/// the data plane decides.
fn active(answer: &Value) -> Result<(), TelepresenceError> {
    match answer["disposition"].as_str() {
        None | Some("ACTIVE") => Ok(()),
        Some(disposition) => Err(TelepresenceError::NotActive {
            disposition: disposition.to_owned(),
            message: answer["message"].as_str().unwrap_or_default().to_owned(),
        }),
    }
}

/// The container's variables in a detailed answer.
fn variables(answer: &Value) -> BTreeMap<String, String> {
    let told = answer["environment"].as_object().into_iter().flatten();
    told.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}
