//! What Telepresence's complaints mean. Every failure has exit code 1, so its words have to be read.

use std::path::PathBuf;
use std::time::Duration;

use testbed::{Explain, LeaseError, ProcessError, WaitError};

use super::complaint::Complaint;
use crate::reference::Version;
use crate::tool::ToolMissing;

/// Why Telepresence did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TelepresenceError {
    /// The program is missing.
    #[error(transparent)]
    Tool(#[from] ToolMissing),
    /// It could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Another run of ours has the machine's connection.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// Something did not come in time.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// Its version can't be used.
    #[error("telepresence {found}; {oldest} or newer is needed")]
    Version {
        /// `is 2.20.2`, or that it does not tell.
        found: String,
        /// What is needed.
        oldest: Version,
    },
    /// A connection that is not ours.
    #[error(
        "there is a Telepresence connection to {context} (namespace {namespace}) that this run did not make"
    )]
    Foreign {
        /// Its kubeconfig context.
        context: String,
        /// Its namespace.
        namespace: String,
    },
    /// It was asked before it was connected.
    #[error("{workload} can't be intercepted: there is no Telepresence connection")]
    NotConnected {
        /// The workload.
        workload: String,
    },
    /// The kubeconfig or its context can't be used.
    #[error("telepresence can't use the kubeconfig: {reason}")]
    Kubeconfig {
        /// In its words.
        reason: String,
    },
    /// The API server does not answer.
    #[error("telepresence can't reach the API server: {reason}")]
    Cluster {
        /// In its words.
        reason: String,
    },
    /// There is no traffic manager.
    #[error("there is no traffic manager in the cluster")]
    NoManager,
    /// There is one already.
    #[error("a traffic manager is installed already: {reason}")]
    ManagerThere {
        /// In its words.
        reason: String,
    },
    /// The namespace is not one that the traffic manager looks after.
    #[error("the traffic manager does not look after the namespace: {reason}")]
    Namespace {
        /// In its words.
        reason: String,
    },
    /// There is no such workload.
    #[error("telepresence can't intercept that: {reason}")]
    Workload {
        /// In its words.
        reason: String,
    },
    /// The workload has no such port, or the traffic manager does not see its Service.
    #[error("telepresence can't intercept that: {reason}")]
    Port {
        /// In its words.
        reason: String,
    },
    /// Somebody has intercepted it already.
    #[error("it is intercepted already: {reason}")]
    Conflict {
        /// In its words.
        reason: String,
        /// The intercept in the way, when it is named: what `telepresence revoke` takes.
        intercept: Option<String>,
    },
    /// The port on the workstation belongs to another intercept.
    #[error("the port on the workstation is taken by another intercept: {reason}")]
    LocalPort {
        /// In its words.
        reason: String,
    },
    /// The traffic agent did not come into the pod in time.
    #[error("the traffic agent did not arrive in the pod: {reason}")]
    Agent {
        /// In its words.
        reason: String,
    },
    /// The user's daemon is gone.
    #[error("Telepresence's daemon is gone")]
    DaemonGone,
    /// It needs rights that it does not have.
    #[error("telepresence lacks rights on this machine: {reason}")]
    Rights {
        /// In its words.
        reason: String,
    },
    /// It gave up waiting for something.
    #[error("telepresence gave up waiting: {reason}")]
    Timeout {
        /// In its words.
        reason: String,
    },
    /// It says that the intercept is there, and in a state that is not `ACTIVE`.
    #[error("the intercept is {disposition}, not ACTIVE: {message}")]
    NotActive {
        /// The state.
        disposition: String,
        /// Why.
        message: String,
    },
    /// The workload has several pods, and this version can't intercept that.
    #[error("{workload} has {pods} pods, and an intercept of several hangs in Telepresence {version}")]
    Replicas {
        /// The workload.
        workload: String,
        /// How many.
        pods: i32,
        /// Which version.
        version: Version,
    },
    /// A file of its own world can't be written.
    #[error("{} can't be written", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It answered something that can't be read.
    #[error("the answer of `{command}` can't be read: {answer}")]
    Odd {
        /// The command.
        command: String,
        /// The beginning of the answer.
        answer: String,
    },
    /// Something that is told apart only for what to do.
    #[error("{}: {reason}", complaint.fact)]
    Complaint {
        /// What it is.
        complaint: &'static Complaint,
        /// In its words.
        reason: String,
    },
    /// Anything else.
    #[error("`{command}` failed: {reason}")]
    Other {
        /// The command.
        command: String,
        /// In its words.
        reason: String,
    },
}

impl TelepresenceError {
    /// What these words mean.
    pub(super) fn of_words(command: &str, words: &str) -> Self {
        let reason = words
            .trim()
            .trim_start_matches("connector.CreateIntercept: ")
            .to_owned();
        let says = |part: &str| words.contains(part);
        // First, because the pod's events follow it, with whatever words are in them.
        if says("waiting for agent") {
            Self::Agent { reason }
        } else if let Some(complaint) = Complaint::telling(words) {
            Self::Complaint { complaint, reason }
        } else if says("traffic manager not found") {
            Self::NoManager
        } else if says("is already installed") {
            Self::ManagerThere { reason }
        } else if says("is not managed") {
            Self::Namespace { reason }
        } else if says("conflict with intercept")
            || says("onflicts with the ")
            || says("header filters overlap")
            || says("already exists")
        {
            let intercept = intercept_in_the_way(words);
            Self::Conflict { reason, intercept }
        } else if let Some((_, state)) = words.split_once("intercept in error state ") {
            let (disposition, message) = state.trim().split_once(": ").unwrap_or((state, ""));
            Self::NotActive {
                disposition: disposition.to_owned(),
                message: message.to_owned(),
            }
        } else if says("is already in use by intercept") {
            Self::LocalPort { reason }
        } else if says("user daemon is not running") {
            Self::DaemonGone
        // Before the kubeconfig, of which it speaks too: "verify that your kubeconfig context points at it".
        } else if says("unable to reach the Kubernetes cluster") || says("initial cluster check failed") {
            Self::Cluster { reason }
        } else if says("does not exist in the kubeconfig")
            || says("kubeconfig")
            || says("no such file or directory")
        {
            Self::Kubeconfig { reason }
        } else if says("connection refused") {
            Self::Cluster { reason }
        } else if says("has no interceptable port") {
            Self::Port { reason }
        } else if says("workload \"") && says("not found") {
            Self::Workload { reason }
        } else if says("agent") && (says("timed out") || says("arrive") || says("No agent found")) {
            Self::Agent { reason }
        } else if says("/dev/net/tun")
            || says("sudo")
            || says("permission denied")
            || says("must run with elevated privileges")
        {
            Self::Rights { reason }
        } else if let Some(complaint) = Complaint::vague(words) {
            Self::Complaint { complaint, reason }
        } else if says("timed out") || says("deadline exceeded") {
            Self::Timeout { reason }
        } else {
            Self::Other {
                command: command.to_owned(),
                reason,
            }
        }
    }

    /// Longer than this no single call may take, whatever Telepresence's own limits are.
    pub(super) const OUTER_LIMIT: Duration = Duration::from_secs(150);
}

impl Explain for TelepresenceError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Tool(error) => return error.hint(),
            Self::Process(error) => return error.hint(),
            Self::Wait(error) => return error.hint(),
            Self::Lease(_) => "one connection per machine: wait for that run, or end it",
            Self::Version { .. } => "see https://telepresence.io/docs/install/client",
            Self::Foreign { .. } => "if nobody needs it: `telepresence quit -s`",
            Self::NotConnected { .. } => "`telepresence connect`",
            Self::Kubeconfig { .. } => "`kubectl --kubeconfig FILE config get-contexts` shows what is there",
            Self::Cluster { .. } => "is the cluster running? `kind get clusters`, `docker ps`",
            Self::NoManager => "`telepresence helm install`",
            Self::ManagerThere { .. } => "`telepresence helm upgrade` changes it",
            Self::Namespace { .. } => "the chart's `namespaces` decides which namespaces are looked after",
            Self::Workload { .. } => "`telepresence list` shows what can be intercepted",
            Self::Port { .. } => {
                "the port of the Service; if its namespace was deleted and made again, the traffic manager has lost sight of it: \
                 `kubectl -n ambassador rollout restart deployment/traffic-manager`"
            }
            Self::Conflict {
                intercept: Some(intercept),
                ..
            } => {
                return Some(format!(
                    "if it is a dead client's: `telepresence revoke {intercept}`"
                ));
            }
            Self::Conflict { .. } => {
                "`telepresence list --intercepts` shows it, `telepresence detach NAME` ends it"
            }
            Self::LocalPort { .. } => "end that intercept, or listen on another port",
            Self::Agent { .. } => {
                "is the webhook reachable? `kubectl -n ambassador get pods,endpoints`, and the pod's events"
            }
            Self::DaemonGone => {
                "`telepresence connect` with the same cache folder takes the session up again"
            }
            Self::Rights { .. } => "run as root or with passwordless sudo; `/dev/net/tun` must be there",
            Self::Timeout { .. } => "Telepresence's logs are in the run directory",
            Self::NotActive { .. } => "the pod's events and the agent's log say why",
            Self::Replicas { workload, .. } => {
                return Some(format!(
                    "install 2.29.3 or newer, or `kubectl scale deployment {workload} --replicas=1`"
                ));
            }
            Self::Complaint { complaint, .. } => complaint.cure,
            Self::Write { .. } => "free space, or choose another folder with `--root`",
            Self::Odd { .. } | Self::Other { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// What `telepresence revoke` takes, out of words such as `conflict with intercept ID on port …`, and `conflicts with the
/// currently active intercept "ID"` of an agent.
fn intercept_in_the_way(words: &str) -> Option<String> {
    let by_manager = words
        .split_once("conflict with intercept ")
        .and_then(|(_, rest)| rest.split_whitespace().next());
    let by_agent = || {
        let (_, rest) = words.split_once("onflicts with the ")?;
        rest.split_once("intercept \"")?.1.split('"').next()
    };
    by_manager.or_else(by_agent).map(str::to_owned)
}

#[cfg(test)]
mod tests;
