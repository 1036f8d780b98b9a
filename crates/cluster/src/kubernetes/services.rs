//! What is asked about Services.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use testbed::Deadline;
use testbed::wait::{self, Probe};

use super::error::{KubernetesError, request};

/// The address of a Service inside the cluster. A new cluster gets some of its own only some time after the server has begun to
/// answer.
///
/// # Errors
/// It has none before the deadline, or the server refuses.
pub async fn address(
    client: &Client,
    namespace: &str,
    name: &str,
    deadline: &Deadline,
) -> Result<IpAddr, wait::WaitError> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let what = format!("the Service {namespace}/{name}");
    wait::until(deadline, &what, || async {
        let found = match request(&what, deadline, services.get(name)).await {
            Ok(found) => found,
            Err(error) if error.passes_or_is_absent() => return Probe::NotYet(error.to_string()),
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
