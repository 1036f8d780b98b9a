//! What only some environments can do, and what it is asked for.

use std::fmt;

use futures_util::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};

use super::EnvironmentName;
use crate::explain::{BoxError, Explain};

/// What only some environments can do; a scenario that needs more than there is, is skipped with that reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// An intercept may be limited to requests with a header.
    HeaderIntercept,
    /// The path between services can be broken on purpose: see [`Disturbance`].
    Disturb,
    /// The workstation has a connection to the cluster that can be ended and made again, and with it names of the cluster.
    Connection,
    /// A workload can be set up in another way: see [`Arrangement`].
    Arrange,
    /// What happens to clusters and workstations can be made to happen: see [`Mishap`].
    Mishaps,
    /// Who answers is decided for each connection, as a Service of Kubernetes does, and not for each request.
    StickyConnections,
    /// A debugger on this machine can start the process on the workstation.
    Debugger,
    /// A debugger on this machine can be attached to the process on the workstation while it runs.
    AttachDebugger,
    /// A span can be seen while it is open, and is exact once it has ended.
    OpenSpans,
    /// Behind an intercept with a header, every connection of a caller leaves one open to the workstation's process, as long as
    /// that process keeps it, and there is room for a limited number.
    ConnectionPerCaller,
}

impl fmt::Display for Capability {
    /// The end of the sentence "this environment can't …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::HeaderIntercept => "limit an intercept to requests with a header",
            Self::Disturb => "break the intercept path on purpose",
            Self::Connection => "end and remake a connection from the workstation to the cluster",
            Self::Arrange => "set a workload up in another way",
            Self::Mishaps => "let a pod or a connection perish",
            Self::Debugger => "start the workstation's process under a debugger",
            Self::OpenSpans => "show a span while it is open",
            Self::AttachDebugger => "attach a debugger to the workstation's process",
            Self::StickyConnections => "decide for each connection who answers: it does so for each request",
            Self::ConnectionPerCaller => "run out of room for kept connections: it shares them among callers",
        })
    }
}

/// A fault in the path that carries intercepted requests, for twins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disturbance {
    /// The intercept path removes `traceparent` and `tracestate`.
    StripTraceContext,
    /// The intercept path delivers each request twice and returns the second answer.
    Replay,
}

/// How a workload is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// As it was deployed.
    Deployed,
    /// Nothing in its pods serves intercepts yet: the first one has to replace them.
    Unprepared,
    /// Its pods are made ready for intercepts when they start: none has to be replaced.
    Prepared,
    /// Its Service names the pods' port by number, not by name.
    NumericPort,
    /// Two pods instead of one, made ready for intercepts when they start.
    TwoReplicas,
    /// No pod, and nobody who puts one there.
    NoReplica,
}

impl Arrangement {
    /// Whether what was applied is what was deployed. What an intercept has put into the pods since then does not count.
    #[must_use]
    pub const fn is_as_deployed(self) -> bool {
        matches!(self, Self::Deployed | Self::Unprepared)
    }
}

/// Something that happens to clusters and workstations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    /// The workload's pods are deleted; whoever looks after them puts others in their place.
    PodsDeleted,
    /// What carries intercepted requests to this workstation is killed, as `kill -9` does.
    ConnectionKilled,
}

/// An environment was asked for what it can't do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {environment} environment can't {capability}")]
pub struct Cannot {
    /// Which environment.
    pub environment: EnvironmentName,
    /// What it was asked for.
    pub capability: Capability,
}

impl Cannot {
    /// The answer of an environment that lacks `capability`.
    pub(super) fn fail<'a, T: Send + 'a>(
        environment: EnvironmentName,
        capability: Capability,
    ) -> BoxFuture<'a, Result<T, BoxError>> {
        let cannot = Self {
            environment,
            capability,
        };
        Box::pin(ready(Err(cannot.into())))
    }
}

impl Explain for Cannot {}
