//! The pod behind an intercept: Telepresence says that it is active as soon as the agent in the pod has told it, and requests go
//! there once the pod is ready.

use std::time::Duration;

use kube::ResourceExt;
use testbed::Run;

use super::KindEnvironment;
use crate::error::ClusterError;
use crate::kubernetes::agent::AGENT;
use crate::kubernetes::pods::{self, stays};
use crate::kubernetes::readiness;
use crate::kubernetes::view::PodView;
use crate::manifest::APPLICATION;

/// Many times what a pod takes from its agent's first word until it is ready: the interval of a probe.
const READY: Duration = Duration::from_secs(30);

impl KindEnvironment {
    /// Waits until a pod with an agent is ready.
    pub(super) async fn expect_ready(&self, run: &Run, workload: &str) -> Result<(), ClusterError> {
        let (Some(up), Some(begun)) = (&self.up, &self.begun) else {
            return Ok(());
        };
        let which = (APPLICATION, begun.choice.label.as_str(), workload);
        let what = format!("a ready pod of {workload} with the traffic agent");
        Ok(pods::until_of_workload(&up.client, which, &what, &run.deadline(READY), lacking).await?)
    }
}

/// What lacks until one of these pods can be intercepted.
fn lacking(found: &[PodView]) -> Option<String> {
    let has_agent = |pod: &&PodView| stays(pod) && pods::container_names(pod).any(|name| name == AGENT);
    let with_agent: Vec<&PodView> = found.iter().filter(has_agent).collect();
    if with_agent.iter().any(|pod| pods::is_ready(pod)) {
        return None;
    }
    let Some(pod) = with_agent.first() else {
        return Some(format!("none of {} pods has it", found.len()));
    };
    let obstacles = readiness::pod(pod);
    let reason = obstacles.first().map_or_else(
        || "its readiness probe has not succeeded".to_owned(),
        ToString::to_string,
    );
    Some(format!("{} is not ready: {reason}", pod.name_any()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, containers: &[&str], ready: &str, ending: bool) -> PodView {
        let statuses: Vec<Value> = containers
            .iter()
            .map(|name| json!({"name": name, "ready": true, "restartCount": 0, "image": "", "imageID": ""}))
            .collect();
        let ending = ending.then_some("2026-01-01T00:00:00Z");
        serde_json::from_value(json!({
            "metadata": {"name": name, "deletionTimestamp": ending},
            "spec": {"containers": []},
            "status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": statuses,
            },
        }))
        .unwrap()
    }

    #[test]
    fn only_a_ready_pod_that_stays_and_has_the_agent_counts() {
        const BOTH: [&str; 2] = ["order-service", AGENT];
        let ready = pod("ready", &BOTH, "True", false);
        let former = pod("former", &BOTH, "True", true);
        let bare = pod("bare", &BOTH[..1], "True", false);
        let starting = pod("starting", &BOTH, "False", false);
        assert_eq!(lacking(&[former.clone(), ready]), None);
        let told = |found: &[PodView]| lacking(found).unwrap();
        assert_eq!(told(&[]), "none of 0 pods has it");
        assert_eq!(told(&[former.clone(), bare]), "none of 2 pods has it");
        assert_eq!(
            told(&[former, starting]),
            "starting is not ready: its readiness probe has not succeeded"
        );
    }
}
