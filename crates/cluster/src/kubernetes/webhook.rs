//! Whether the API server can reach the webhook that puts traffic agents into pods. When it can't, pods come up without one and
//! nobody complains.

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, Client};
use testbed::Deadline;

use super::error::{KubernetesError, request};

/// How the traffic manager names its webhook.
const NAME: &str = "agent-injector";

/// What is wrong with it, if anything.
///
/// # Errors
/// The server refuses or does not answer.
pub(crate) async fn trouble(client: &Client, deadline: &Deadline) -> Result<Option<String>, KubernetesError> {
    let all: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let found = request("webhooks", deadline, all.list(&ListParams::default())).await?;
    let services = found
        .items
        .into_iter()
        .filter(|one| {
            one.metadata
                .name
                .as_deref()
                .is_some_and(|name| name.starts_with(NAME))
        })
        .flat_map(|one| one.webhooks.unwrap_or_default())
        .filter_map(|webhook| webhook.client_config.service);
    let mut any = false;
    for service in services {
        any = true;
        let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), &service.namespace);
        let of_service =
            ListParams::default().labels(&format!("kubernetes.io/service-name={}", service.name));
        let slices = request("endpoints of the webhook", deadline, slices.list(&of_service)).await?;
        let mut endpoints = slices.items.into_iter().flat_map(|slice| slice.endpoints);
        // A condition that is not told means ready (discovery/v1 EndpointConditions).
        let ready = endpoints.any(|one| one.conditions.and_then(|is| is.ready).unwrap_or(true));
        if !ready {
            return Ok(Some(format!(
                "the webhook that puts it there can't be reached: no pod is behind the Service {}/{}",
                service.namespace, service.name
            )));
        }
    }
    Ok((!any).then(|| format!("the webhook that puts it there, {NAME}, is not registered in the cluster")))
}
