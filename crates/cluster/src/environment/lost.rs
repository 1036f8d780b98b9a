//! What somebody took away under a run: the cluster, its node, Docker, the way of the traffic agent into a pod.

use std::time::Duration;

use testbed::{Deadline, Missing};

use super::KindEnvironment;
use crate::docker::Docker;
use crate::error::ClusterError;
use crate::kubernetes::agent;
use crate::node::Node;
use crate::telepresence::TelepresenceError;

/// How long looking may take; usually a fifth of a second.
const LIMIT: Duration = Duration::from_secs(20);

impl KindEnvironment {
    /// Whether the cluster that came up is still there and runs.
    pub(super) async fn look_for_lost(&self) -> Vec<Missing> {
        let (Some(begun), Some(_)) = (&self.begun, &self.up) else {
            return Vec::new();
        };
        // Somebody else's cluster is not ours to look for.
        let Some(kind) = &begun.kind else {
            return Vec::new();
        };
        let name = &begun.choice.name;
        let deadline = Deadline::after(LIMIT);
        let lost = match kind.clusters(&deadline).await {
            Ok(clusters) if clusters.contains(name) => self.stopped(name, &deadline).await,
            Ok(_) => Some(Missing {
                fact: format!("the kind cluster {name} was deleted during the run"),
                cure: "run again; a cluster is made when there is none".into(),
            }),
            Err(error) => Some(Missing::because(&error)),
        };
        lost.into_iter().collect()
    }

    /// Why an intercept failed, as far as the cluster knows more than Telepresence.
    pub(super) async fn explained(&self, workload: &str, error: TelepresenceError) -> ClusterError {
        let waited = matches!(
            error,
            TelepresenceError::Agent { .. }
                | TelepresenceError::Timeout { .. }
                | TelepresenceError::NotActive { .. }
                | TelepresenceError::Other { .. }
        );
        let (Some(up), Some(begun), true) = (&self.up, &self.begun, waited) else {
            return error.into();
        };
        let deadline = Deadline::after(LIMIT);
        match agent::trouble(&up.client, &begun.choice.label, workload, &deadline).await {
            Ok(Some((reason, cure))) => ClusterError::NoAgent {
                reason,
                cure,
                source: Box::new(error),
            },
            _ => error.into(),
        }
    }

    async fn stopped(&self, name: &str, deadline: &Deadline) -> Option<Missing> {
        let docker = Docker::new(self.docker().ok()?);
        let node = Node::of_cluster(docker.clone(), name);
        match docker.runs(node.container(), deadline).await {
            Ok(false) => Some(Missing {
                fact: format!("the node of the kind cluster {name} was stopped during the run"),
                cure: "run again; a kept cluster that does not run is made anew".into(),
            }),
            _ => None,
        }
    }
}
