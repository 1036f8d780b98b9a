//! Why a traffic agent that was to come into a workload's pods did not come up there, as far as the API server knows.

use k8s_openapi::api::core::v1::ContainerStatus;
use kube::Client;
use testbed::Deadline;

use super::error::{KubernetesError, request};
use super::readiness::{self, Obstacle};
use super::view::{self, DeploymentView, PodView};
use super::{pods, webhook};
use crate::manifest::APPLICATION;

/// The container that Telepresence puts into a pod for intercepts.
pub(crate) const AGENT: &str = "traffic-agent";
/// The init container that it puts there behind a numeric port, to redirect the pod's traffic to the agent.
pub(crate) const REDIRECTION: &str = "tel-agent-init";

/// What is to be done about a webhook that does not do its work.
const WEBHOOK: &str =
    "`kubectl -n ambassador get pods,endpoints`; `telepresence helm upgrade` puts the traffic manager right";
/// What is to be done where nothing better is known.
const POD: &str = "the pod's events and the agent's log say why; they are in the evidence";

/// What kept it out, with what to do, if anything can be seen.
///
/// # Errors
/// The server refuses or does not answer.
pub(crate) async fn trouble(
    client: &Client,
    run: &str,
    workload: &str,
    deadline: &Deadline,
) -> Result<Option<(String, String)>, KubernetesError> {
    let what = format!("Deployment {APPLICATION}/{workload}");
    let deployments = view::deployments(client, Some(APPLICATION));
    let deployment = request(&what, deadline, deployments.get(workload)).await?;
    let pods = pods::of_workload(client, APPLICATION, run, workload, deadline).await?;
    // Pods with an agent that fails, or none at all, prove that the webhook did its work.
    if let Some(obstacle) = judge(&deployment, &pods) {
        let cure = obstacle.hint.unwrap_or_else(|| POD.to_owned());
        return Ok(Some((obstacle.fact, cure)));
    }
    let reason = webhook::trouble(client, deadline).await?;
    Ok(reason.map(|reason| (reason, WEBHOOK.to_owned())))
}

/// What keeps pods with an agent from being there: refused by a quota or a policy, without a place, or with an agent whose image
/// can't be had or whose containers end. What else is wrong with a pod has nothing to do with the agent.
fn judge(deployment: &DeploymentView, pods: &[PodView]) -> Option<Obstacle> {
    let staying = || pods.iter().filter(|pod| pods::stays(pod));
    staying()
        .flat_map(pods::container_statuses)
        .filter(|container| [AGENT, REDIRECTION].contains(&container.name.as_str()))
        .filter_map(|container| readiness::container(container).or_else(|| ended(container)))
        .max_by_key(|obstacle| obstacle.stays)
        .or_else(|| readiness::refused(deployment))
        .or_else(|| staying().find_map(readiness::unscheduled))
}

/// An init container that ended otherwise than well. Its restart is yet to come.
fn ended(container: &ContainerStatus) -> Option<Obstacle> {
    let ended = container.state.as_ref()?.terminated.as_ref()?;
    let message = ended.message.as_deref().map(|text| format!(": {text}"));
    (ended.exit_code != 0).then(|| Obstacle {
        fact: format!(
            "container {} ended with exit code {}{}",
            container.name,
            ended.exit_code,
            message.unwrap_or_default()
        ),
        stays: false,
        hint: None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn deployment(status: &Value) -> DeploymentView {
        serde_json::from_value(json!({"metadata": {}, "spec": {"replicas": 1}, "status": status})).unwrap()
    }

    fn pod(status: &Value) -> PodView {
        serde_json::from_value(json!({"metadata": {}, "spec": {}, "status": status})).unwrap()
    }

    fn container(name: &str, restarts: i32, state: &Value) -> Value {
        json!({"name": name, "image": "x", "imageID": "", "ready": false, "restartCount": restarts, "state": state})
    }

    fn waiting(reason: &str) -> Value {
        json!({"waiting": {"reason": reason, "message": "because"}})
    }

    #[rstest]
    #[case::first_failure(json!({"containerStatuses": [container(AGENT, 0, &waiting("ErrImagePull"))]}), Some("container traffic-agent: ErrImagePull: because"))]
    #[case::image(json!({"containerStatuses": [container(AGENT, 0, &waiting("ImagePullBackOff"))]}), Some("container traffic-agent: ImagePullBackOff: because"))]
    #[case::image_of_somebody_else(json!({"containerStatuses": [container("order", 0, &waiting("ImagePullBackOff"))]}), None)]
    #[case::coming(json!({"containerStatuses": [container(AGENT, 0, &waiting("ContainerCreating"))]}), None)]
    #[case::init(json!({"initContainerStatuses": [container(REDIRECTION, 0, &json!({"terminated": {"exitCode": 1, "message": "operation not permitted"}}))]}), Some("container tel-agent-init ended with exit code 1: operation not permitted"))]
    #[case::init_again(json!({"initContainerStatuses": [container(REDIRECTION, 3, &json!({"terminated": {"exitCode": 1}}))]}), Some("container tel-agent-init ended 3 times, last with exit code 1"))]
    #[case::init_done(json!({"initContainerStatuses": [container(REDIRECTION, 0, &json!({"terminated": {"exitCode": 0}}))]}), None)]
    #[case::no_place(json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient cpu."}]}), Some("0/1 nodes are available: 1 Insufficient cpu."))]
    #[case::fine(json!({"containerStatuses": [container(AGENT, 0, &json!({"running": {}}))]}), None)]
    fn what_keeps_an_agent_from_coming_up_is_seen_in_its_pod(
        #[case] status: Value,
        #[case] fact: Option<&str>,
    ) {
        let found = judge(&deployment(&json!({})), &[pod(&status)]);
        assert_eq!(found.map(|obstacle| obstacle.fact).as_deref(), fact);
    }

    #[test]
    fn a_pod_that_a_quota_refuses_is_seen_in_the_deployment() {
        let message = "pods \"order-service-x\" is forbidden: exceeded quota: small, requested: limits.cpu=1";
        let condition = json!({"type": "ReplicaFailure", "status": "True", "message": message});
        let found = judge(&deployment(&json!({"conditions": [condition]})), &[]).unwrap();
        assert_eq!(found.fact, message);
        assert!(found.hint.is_some());
        assert_eq!(judge(&deployment(&json!({"replicas": 0})), &[]), None);
    }

    #[test]
    fn a_pod_on_its_way_out_says_nothing_of_the_next_one() {
        let mut former = pod(&json!({"containerStatuses": [container(AGENT, 0, &waiting("ErrImagePull"))]}));
        let time = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        former.metadata.deletion_timestamp = Some(time);
        assert_eq!(judge(&deployment(&json!({})), &[former]), None);
    }
}
