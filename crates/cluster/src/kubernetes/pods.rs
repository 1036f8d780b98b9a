//! The pods of a run: found, waited for, deleted, and asked who they are.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::ContainerStatus;
use kube::api::{DeleteParams, ListParams};
use kube::{Client, ResourceExt};
use testbed::wait::{self, Probe};
use testbed::{Deadline, Tell, Whoami};

use super::error::{KubernetesError, request};
use super::view::{self, PodView};
use crate::manifest::{self, NAME_LABEL};

/// All pods of a namespace that carry a run's label.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn of_run(
    client: &Client,
    namespace: &str,
    run: &str,
    deadline: &Deadline,
) -> Result<Vec<PodView>, KubernetesError> {
    let pods = view::pods(client, Some(namespace));
    let params = ListParams::default().labels(&manifest::of_run(run));
    Ok(
        request(&format!("pods in {namespace}"), deadline, pods.list(&params))
            .await?
            .items,
    )
}

/// The pods of one workload of a run, those that are ending included.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn of_workload(
    client: &Client,
    namespace: &str,
    run: &str,
    workload: &str,
    deadline: &Deadline,
) -> Result<Vec<PodView>, KubernetesError> {
    let pods = of_run(client, namespace, run, deadline).await?;
    let named = |pod: &PodView| pod.labels().get(NAME_LABEL).is_some_and(|name| name == workload);
    Ok(pods.into_iter().filter(named).collect())
}

/// Waits until nothing is `lacking` from the pods of one workload of a run, which says in words what is.
///
/// # Errors
/// The server refuses for good, or something still lacks at the deadline; the error says what.
pub async fn until_of_workload(
    client: &Client,
    (namespace, run, workload): (&str, &str, &str),
    what: &str,
    deadline: &Deadline,
    lacking: impl Fn(&[PodView]) -> Option<String>,
) -> Result<(), KubernetesError> {
    let look = || of_workload(client, namespace, run, workload, deadline);
    until(deadline, what, look, lacking).await
}

/// Waits until none of a run's pods in a namespace is ending.
///
/// # Errors
/// The server refuses for good, or one still is at the deadline; the error says which.
pub async fn until_none_ends(
    client: &Client,
    namespace: &str,
    run: &str,
    deadline: &Deadline,
) -> Result<(), KubernetesError> {
    let look = || of_run(client, namespace, run, deadline);
    let ending = |found: &[PodView]| {
        let pod = found.iter().find(|pod| !stays(pod))?;
        Some(format!("{} is still ending", pod.name_any()))
    };
    until(deadline, "the end of former pods", look, ending).await
}

async fn until<F>(
    deadline: &Deadline,
    what: &str,
    look: impl Fn() -> F,
    lacking: impl Fn(&[PodView]) -> Option<String>,
) -> Result<(), KubernetesError>
where
    F: Future<Output = Result<Vec<PodView>, KubernetesError>>,
{
    let (look, lacking) = (&look, &lacking);
    wait::until(deadline, what, || async move {
        match look().await {
            Err(error) if !error.passes() => Probe::Broken(error),
            Err(error) => Probe::NotYet(error.to_string()),
            Ok(found) => lacking(&found).map_or(Probe::Ready(()), Probe::NotYet),
        }
    })
    .await?;
    Ok(())
}

/// Whether nobody has asked a pod to end.
#[must_use]
pub fn stays(pod: &PodView) -> bool {
    pod.metadata.deletion_timestamp.is_none()
}

/// Whether requests go to a pod: it is ready, and nobody has asked it to end.
#[must_use]
pub fn is_ready(pod: &PodView) -> bool {
    let mut conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    stays(pod) && conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Deletes a pod, with its own grace period. One that is gone is fine.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn delete(
    client: &Client,
    namespace: &str,
    pod: &str,
    deadline: &Deadline,
) -> Result<(), KubernetesError> {
    remove(client, namespace, pod, &DeleteParams::default(), deadline).await
}

/// Lets the server forget a pod that is ending: no request goes to it from then on, and the node ends it at once.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn forget(
    client: &Client,
    namespace: &str,
    pod: &str,
    deadline: &Deadline,
) -> Result<(), KubernetesError> {
    remove(
        client,
        namespace,
        pod,
        &DeleteParams::default().grace_period(0),
        deadline,
    )
    .await
}

async fn remove(
    client: &Client,
    namespace: &str,
    pod: &str,
    how: &DeleteParams,
    deadline: &Deadline,
) -> Result<(), KubernetesError> {
    let pods = view::pods(client, Some(namespace));
    let what = format!("deleting {namespace}/{pod}");
    match request(&what, deadline, pods.delete(pod, how)).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_absent() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Ends the pods at once that are ending, and answers their addresses. While a Service has no ready pod, as when the first intercept
/// replaces it, requests go to those too: what is looked at then would be the end of these.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn forget_ending(
    client: &Client,
    namespace: &str,
    found: &[PodView],
    deadline: &Deadline,
) -> Result<Vec<IpAddr>, KubernetesError> {
    let ending: Vec<_> = found.iter().filter(|pod| !stays(pod)).collect();
    for pod in &ending {
        forget(client, namespace, &pod.name_any(), deadline).await?;
    }
    Ok(ending.into_iter().filter_map(address).collect())
}

/// The states of a pod's containers, as far as they have one: first those of init containers.
pub fn container_statuses(pod: &PodView) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| {
        let init = status.init_container_statuses.iter().flatten();
        init.chain(status.container_statuses.iter().flatten())
    })
}

/// The names of a pod's containers that have a status, init containers included.
pub fn container_names(pod: &PodView) -> impl Iterator<Item = &str> {
    container_statuses(pod).map(|container| container.name.as_str())
}

/// A pod's address, once it has one.
#[must_use]
pub fn address(pod: &PodView) -> Option<IpAddr> {
    pod.status.as_ref()?.pod_ip.as_deref()?.parse().ok()
}

/// Whether none of a pod's containers has ended.
#[must_use]
pub fn is_whole(pod: &PodView) -> bool {
    let mut statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    statuses.all(|container| {
        container
            .state
            .as_ref()
            .is_none_or(|state| state.terminated.is_none())
    })
}

/// Asks a pod who it is, through the API server: past every Service, and so past every intercept.
///
/// # Errors
/// The pod or the server does not answer.
pub async fn who_am_i(
    client: &Client,
    namespace: &str,
    pod: &str,
    tell: Tell,
    deadline: &Deadline,
) -> Result<Whoami, KubernetesError> {
    let what = format!("/whoami of {namespace}/{pod}");
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/whoami");
    let mut ask = http::Request::get(path);
    if let Some((name, value)) = tell.header() {
        ask = ask.header(name, value);
    }
    let ask = ask
        .body(Vec::new())
        .map_err(|error| KubernetesError::of(&what, &kube::Error::HttpError(error)))?;
    request(&what, deadline, client.request(ask)).await
}

/// The running pods of a run's services, by the name of the service.
#[must_use]
pub fn by_service<'a>(pods: impl IntoIterator<Item = &'a PodView>) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pod in pods.into_iter().filter(|pod| stays(pod)) {
        if let Some(service) = pod.labels().get(NAME_LABEL) {
            found.entry(service.clone()).or_default().push(pod.name_any());
        }
    }
    found
}
