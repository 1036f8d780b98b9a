//! Whether workloads are available, and if not, why: pure functions of what the API server says.

use std::fmt;

use k8s_openapi::api::apps::v1::DeploymentCondition;
use k8s_openapi::api::core::v1::ContainerStatus;

use super::pods::container_statuses;
use super::view::{DeploymentView, PodView};

/// Something that keeps a pod or a workload from being available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What is seen, with the server's own words.
    pub fact: String,
    /// Whether waiting can't help: it stays until somebody changes something.
    pub stays: bool,
    /// What to change.
    pub hint: Option<String>,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fact)
    }
}

impl Obstacle {
    fn passing(fact: impl Into<String>) -> Self {
        Self {
            fact: fact.into(),
            stays: false,
            hint: None,
        }
    }

    fn staying(fact: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            fact: fact.into(),
            stays: true,
            hint: Some(hint.into()),
        }
    }
}

/// The server's words for a container without an image.
const NO_IMAGE: &str = "image: Required value";
/// A container that was restarted this often is not going to stay up by itself. Once is bad luck at the start: a
/// Collector ends when it may not read pods yet.
const RESTARTS: i32 = 2;

/// Whether there are pods of a Deployment's current template, as far as its controller has counted.
#[must_use]
pub fn has_current_pods(deployment: &DeploymentView) -> bool {
    deployment.status.as_ref().is_some_and(|status| {
        status.observed_generation >= deployment.metadata.generation && status.updated_replicas > Some(0)
    })
}

/// Why a Deployment is not available; `None` when it is.
///
/// It is when all its replicas are of the current template, are available, and none is left that is older or more than were wanted.
/// The condition `Available` alone is also true of the old pods in the middle of a roll-out, and of those that are to go.
#[must_use]
pub fn deployment(deployment: &DeploymentView) -> Option<Obstacle> {
    let wanted = deployment.spec.replicas.unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    if status.observed_generation < deployment.metadata.generation {
        return Some(Obstacle::passing("the deployment controller has not seen it yet"));
    }
    let (updated, total) = (status.updated_replicas.unwrap_or(0), status.replicas.unwrap_or(0));
    let available = status.available_replicas.unwrap_or(0);
    if updated >= wanted && total <= updated && total <= wanted && available >= wanted {
        return None;
    }
    if let Some(refused) = refused(deployment) {
        return Some(refused);
    }
    if let Some(progress) = condition(deployment, "Progressing", "False") {
        return Some(Obstacle::passing(progress.message.clone().unwrap_or_default()));
    }
    if total > updated {
        return Some(Obstacle::passing("a pod of the former version is left"));
    }
    if total > wanted {
        return Some(Obstacle::passing(format!("{total} pods, and {wanted} wanted")));
    }
    Some(Obstacle::passing(format!(
        "{available} of {wanted} pods available"
    )))
}

/// Whether the server refuses a Deployment's pods since a container of theirs has no image. Ours all have one.
pub(crate) fn lacks_agents_image(deployment: &DeploymentView) -> bool {
    let failure = condition(deployment, "ReplicaFailure", "True");
    let message = failure.and_then(|failure| failure.message.as_deref());
    message.is_some_and(|message| message.contains(NO_IMAGE))
}

/// Why the server makes no pods for a Deployment, when it refuses them.
pub(crate) fn refused(deployment: &DeploymentView) -> Option<Obstacle> {
    let failure = condition(deployment, "ReplicaFailure", "True")?;
    let message = failure.message.clone().unwrap_or_default();
    // Others pass: a new namespace has no service account for a moment.
    Some(
        if message.contains("violates PodSecurity") || message.contains("exceeded quota") {
            Obstacle::staying(
                message,
                "change the namespace's policy, or the pod in `manifests/`",
            )
        } else if message.contains(NO_IMAGE) {
            // Ours all have one. The traffic manager of 2.31.2 loses its agent's, for a moment or for good: see docs/KIND.md.
            Obstacle {
                hint: Some(
                    "the traffic manager has lost its agent's image: `telepresence uninstall` of the workload"
                        .to_owned(),
                ),
                ..Obstacle::passing(message)
            }
        } else {
            Obstacle::passing(message)
        },
    )
}

fn condition<'a>(deployment: &'a DeploymentView, kind: &str, value: &str) -> Option<&'a DeploymentCondition> {
    let conditions = deployment
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .find(|condition| condition.type_ == kind && condition.status == value)
}

/// What keeps a pod from being ready, the worst first.
#[must_use]
pub fn pod(pod: &PodView) -> Vec<Obstacle> {
    if pod.status.is_none() {
        return vec![Obstacle::passing("no status yet")];
    }
    let mut found = Vec::new();
    found.extend(unscheduled(pod));
    found.extend(container_statuses(pod).filter_map(container));
    found.sort_by_key(|obstacle| !obstacle.stays);
    found
}

/// Why no node takes a pod.
pub(crate) fn unscheduled(pod: &PodView) -> Option<Obstacle> {
    let conditions = pod.status.as_ref()?.conditions.as_deref()?;
    let unscheduled = conditions
        .iter()
        .find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
    let message = unscheduled.message.clone().unwrap_or_default();
    // A node that has just started is tainted for a while.
    Some(if message.contains("Insufficient") {
        Obstacle::staying(
            message,
            "give Docker more processors or memory, or stop what else runs in the cluster",
        )
    } else {
        Obstacle::passing(message)
    })
}

/// What keeps a container from running.
pub(crate) fn container(container: &ContainerStatus) -> Option<Obstacle> {
    let name = &container.name;
    let state = container.state.clone().unwrap_or_default();
    let ended = state
        .terminated
        .clone()
        .or_else(|| container.last_state.clone()?.terminated);
    if let Some(ended) = &ended
        && container.restart_count >= RESTARTS
    {
        let reason = ended
            .reason
            .as_deref()
            .filter(|reason| *reason != "Error")
            .map(|reason| format!(" ({reason})"));
        let fact = format!(
            "container {name} ended {} times, last with exit code {}{}",
            container.restart_count,
            ended.exit_code,
            reason.unwrap_or_default()
        );
        let hint = if ended.reason.as_deref() == Some("OOMKilled") {
            "raise its memory limit in `manifests/`"
        } else {
            "read its log below"
        };
        return Some(Obstacle::staying(fact, hint));
    }
    let waiting = state.waiting?;
    let reason = waiting.reason.unwrap_or_default();
    let message = waiting
        .message
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    let fact = format!("container {name}: {reason}{message}");
    match reason.as_str() {
        // The node never asks a registry for what the harness loads.
        "ErrImageNeverPull" => Some(Obstacle::staying(
            fact,
            "the image was not put into the node: load it and try again",
        )),
        // The first failure may be the network's; this one is the second.
        "ImagePullBackOff" | "InvalidImageName" => Some(Obstacle::staying(
            fact,
            "`docker pull` the image on this machine first, or name another one with `--pin`",
        )),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Some(Obstacle::staying(fact, "correct the container in `manifests/`"))
        }
        "" | "ContainerCreating" | "PodInitializing" => None,
        _ => Some(Obstacle::passing(fact)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn status(status: &Value) -> DeploymentView {
        let object = json!({"metadata": {"generation": 2}, "spec": {"replicas": 1, "selector": {}, "template": {}}, "status": status});
        serde_json::from_value(object).unwrap()
    }

    #[rstest]
    #[case::done(json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}), None)]
    #[case::unseen(json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}), Some("has not seen it"))]
    #[case::empty(json!({}), Some("has not seen it"))]
    #[case::old_pod(json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}), Some("a pod of the former"))]
    #[case::old_only(json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 0, "availableReplicas": 1}), Some("former version"))]
    #[case::one_is_to_go(json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}), Some("2 pods, and 1 wanted"))]
    #[case::starting(json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}), Some("0 of 1 pods available"))]
    #[case::deadline(json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "message": "has timed out progressing"}]}), Some("timed out"))]
    fn available_means_current_and_complete(#[case] given: Value, #[case] obstacle: Option<&str>) {
        let found = deployment(&status(&given));
        match (found, obstacle) {
            (None, None) => {}
            (Some(found), Some(expected)) => assert!(found.fact.contains(expected), "{found}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    /// What is in the way of a Deployment whose pods the server refuses with this message.
    fn refused(message: &str) -> Obstacle {
        let condition = json!({"type": "ReplicaFailure", "status": "True", "message": message});
        let found = deployment(&status(
            &json!({"observedGeneration": 2, "conditions": [condition]}),
        ));
        found.unwrap()
    }

    #[rstest]
    #[case("violates PodSecurity \"restricted:latest\"", true)]
    #[case(
        "error looking up service account demo/default: serviceaccount \"default\" not found",
        false
    )]
    fn a_policy_stays_and_a_missing_account_passes(#[case] message: &str, #[case] stays: bool) {
        let found = refused(message);
        assert_eq!((found.stays, found.fact.as_str()), (stays, message));
    }

    #[test]
    fn an_agent_without_an_image_may_come_yet_and_what_cures_it_is_known() {
        let message = "Pod \"p\" is invalid: spec.containers[1].image: Required value";
        let found = refused(message);
        assert!(!found.stays && found.hint.unwrap().contains("telepresence uninstall"));
    }

    fn containers(statuses: &Value) -> PodView {
        serde_json::from_value(json!({"metadata": {}, "spec": {}, "status": {"containerStatuses": statuses}}))
            .unwrap()
    }

    fn waiting(reason: &str) -> PodView {
        let state = json!({"waiting": {"reason": reason, "message": "because"}});
        containers(
            &json!([{"name": "order", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": state}]),
        )
    }

    #[rstest]
    #[case("ErrImageNeverPull", Some(true))]
    #[case("ImagePullBackOff", Some(true))]
    #[case("CreateContainerConfigError", Some(true))]
    #[case("ErrImagePull", Some(false))]
    #[case("CrashLoopBackOff", Some(false))]
    #[case("ContainerCreating", None)]
    fn some_waiting_never_ends(#[case] reason: &str, #[case] stays: Option<bool>) {
        let found = pod(&waiting(reason));
        assert_eq!(found.first().map(|obstacle| obstacle.stays), stays, "{found:?}");
    }

    #[rstest]
    #[case(1, "Error", None)]
    #[case(2, "Error", Some("container order ended 2 times, last with exit code 7"))]
    #[case(
        3,
        "OOMKilled",
        Some("container order ended 3 times, last with exit code 7 (OOMKilled)")
    )]
    fn a_second_restart_is_a_crash_loop(
        #[case] restarts: i32,
        #[case] reason: &str,
        #[case] fact: Option<&str>,
    ) {
        let last = json!({"terminated": {"exitCode": 7, "reason": reason}});
        let pod_status = json!([{"name": "order", "image": "x", "imageID": "", "ready": true, "restartCount": restarts, "state": {"running": {}}, "lastState": last}]);
        let found = pod(&containers(&pod_status));
        assert_eq!(found.first().map(|obstacle| obstacle.fact.as_str()), fact);
        assert!(
            found
                .iter()
                .all(|obstacle| obstacle.stays && obstacle.hint.is_some())
        );
    }

    #[rstest]
    #[case("0/1 nodes are available: 1 Insufficient cpu.", true)]
    #[case(
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
        false
    )]
    fn no_room_stays_and_a_young_node_passes(#[case] message: &str, #[case] stays: bool) {
        let condition =
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
        let pending: PodView = serde_json::from_value(
            json!({"metadata": {}, "spec": {}, "status": {"conditions": [condition]}}),
        )
        .unwrap();
        assert_eq!(pod(&pending)[0].stays, stays);
    }
}
