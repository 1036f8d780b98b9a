//! The logs of pods' containers.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use kube::{Client, ResourceExt};
use testbed::Deadline;

use super::error::{KubernetesError, request};
use super::pods::container_statuses;
use super::view::PodView;

/// How many lines of a log an error shows.
const LAST_LINES: i64 = 10;
/// How much of one container's log is kept as evidence.
const LOG_BYTES: i64 = 16 * 1024 * 1024;

/// One container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerLog {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether it is of the container that was there before the last restart.
    pub previous: bool,
    /// Its text.
    pub text: String,
}

/// The logs of every container of a pod, init containers and those before a restart included. A container that has not
/// started has none.
///
/// # Errors
/// The server does not answer.
pub async fn of_pod(
    client: &Client,
    pod: &PodView,
    deadline: &Deadline,
) -> Result<Vec<ContainerLog>, KubernetesError> {
    let mut logs = Vec::new();
    for container in container_statuses(pod) {
        for previous in [true, false] {
            if previous && container.restart_count == 0 {
                continue;
            }
            let params = LogParams {
                container: Some(container.name.clone()),
                previous,
                timestamps: true,
                limit_bytes: Some(LOG_BYTES),
                ..LogParams::default()
            };
            match log(client, pod, &params, deadline).await {
                Ok(text) => logs.push(ContainerLog {
                    pod: pod.name_any(),
                    container: container.name.clone(),
                    previous,
                    text,
                }),
                Err(error @ KubernetesError::Silent { .. }) => return Err(error),
                // Not started yet, or its log is rotated away.
                Err(_) => {}
            }
        }
    }
    Ok(logs)
}

/// The last lines of a pod's first container that is in trouble: of the one before the restart, if there was one.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn last_words(
    client: &Client,
    pod: &PodView,
    deadline: &Deadline,
) -> Result<Vec<String>, KubernetesError> {
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    let Some(container) = statuses
        .filter(|container| !container.ready)
        .max_by_key(|container| container.restart_count)
    else {
        return Ok(Vec::new());
    };
    let running = container
        .state
        .as_ref()
        .is_some_and(|state| state.running.is_some());
    let params = LogParams {
        container: Some(container.name.clone()),
        previous: container.restart_count > 0 && running,
        tail_lines: Some(LAST_LINES),
        ..LogParams::default()
    };
    let text = log(client, pod, &params, deadline).await?;
    Ok(text.lines().map(ToOwned::to_owned).collect())
}

async fn log(
    client: &Client,
    pod: &PodView,
    params: &LogParams,
    deadline: &Deadline,
) -> Result<String, KubernetesError> {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    request(
        &format!("log of {namespace}/{name}"),
        deadline,
        pods.logs(&name, params),
    )
    .await
}
