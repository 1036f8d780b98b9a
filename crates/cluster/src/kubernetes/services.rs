//! What is asked about Services.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use testbed::Deadline;
use testbed::wait::{self, Probe};

use super::error::{KubernetesError, request};

/// The address at which pods reach the API server. The server makes that Service itself, some time after it has begun to answer.
///
/// # Errors
/// There is none before the deadline.
pub async fn address_of_the_api_server(
    client: &Client,
    deadline: &Deadline,
) -> Result<IpAddr, wait::WaitError> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    wait::until(deadline, "the Service default/kubernetes", || async {
        let found = match request("Service default/kubernetes", deadline, services.get("kubernetes")).await {
            Ok(found) => found,
            Err(error) if error.is_absent() || error.passes() => return Probe::NotYet(error.to_string()),
            Err(error) => return Probe::<_, KubernetesError>::Broken(error),
        };
        let address = found.spec.and_then(|spec| spec.cluster_ip);
        match address.as_deref().map(str::parse) {
            Some(Ok(address)) => Probe::Ready(address),
            _ => Probe::not_yet("it has no address"),
        }
    })
    .await
}
