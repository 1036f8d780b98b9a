//! What somebody took away under a run: the cluster, its node, Docker, the way of the traffic agent into a pod.

use std::time::Duration;

use testbed::{Deadline, Missing};

use super::KindEnvironment;
use crate::docker::Docker;
use crate::error::ClusterError;
use crate::kind::{Kind, KindError};
use crate::kubernetes::agent;
use crate::node::Node;
use crate::telepresence::TelepresenceError;

/// How long looking may take; usually a fifth of a second.
const LIMIT: Duration = Duration::from_secs(20);

/// The cluster that this run made or uses again, as kind and Docker see it.
#[derive(Clone)]
pub(super) struct OwnCluster {
    kind: Kind,
    docker: Option<Docker>,
    name: String,
}

impl OwnCluster {
    /// What of it is not there any more.
    ///
    /// # Errors
    /// kind does not say.
    pub(super) async fn lost(&self) -> Result<Option<Missing>, KindError> {
        let name = &self.name;
        let deadline = Deadline::after(LIMIT);
        if self.kind.clusters(&deadline).await?.contains(name) {
            return Ok(self.stopped(&deadline).await);
        }
        Ok(Some(Missing {
            fact: format!("the kind cluster {name} was deleted during the run"),
            cure: "run again; a cluster is made when there is none".into(),
        }))
    }

    async fn stopped(&self, deadline: &Deadline) -> Option<Missing> {
        let docker = self.docker.as_ref()?;
        let node = Node::of_cluster(docker.clone(), &self.name);
        match docker.runs(node.container(), deadline).await {
            Ok(false) => Some(Missing {
                fact: format!(
                    "the node of the kind cluster {} was stopped during the run",
                    self.name
                ),
                cure: "run again; a kept cluster that does not run is made anew".into(),
            }),
            _ => None,
        }
    }
}

impl KindEnvironment {
    /// Whether the cluster that came up is still there and runs.
    pub(super) async fn look_for_lost(&self) -> Vec<Missing> {
        let cluster = self.up.as_ref().and_then(|_| self.own_cluster());
        let Some(cluster) = cluster else {
            return Vec::new();
        };
        let lost = cluster.lost().await;
        let lost = lost.unwrap_or_else(|error| Some(Missing::because(&error)));
        lost.into_iter().collect()
    }

    /// Nobody else's: that is not ours to look for.
    pub(super) fn own_cluster(&self) -> Option<OwnCluster> {
        let begun = self.begun.as_ref()?;
        Some(OwnCluster {
            kind: begun.kind.clone()?,
            docker: self.docker().ok().map(Docker::new),
            name: begun.choice.name.clone(),
        })
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
}
