//! The names that the walkthrough uses, resolved on the workstation and compared with the API server's word.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use testbed::Deadline;
use testbed::wait::{self, Probe};

use super::TelepresenceError;
use crate::manifest::{APPLICATION, OBSERVABILITY};

/// How long one question may take.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// A name as the walkthrough writes it, and the Service behind it.
const NAMES: [(&str, &str, &str); 3] = [
    (
        "otel-collector.observability.svc.cluster.local",
        OBSERVABILITY,
        "otel-collector",
    ),
    ("inventory-service", APPLICATION, "inventory-service"),
    ("order-service", APPLICATION, "order-service"),
];

/// The names themselves.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().map(|(name, _, _)| name)
}

/// Waits until every name resolves to its Service's address, one after the other: questions at the same time are what the daemon of
/// Telepresence 2.31.2 was seen to end of.
pub(super) async fn resolve(client: &Client, deadline: &Deadline) -> Result<(), TelepresenceError> {
    for (name, namespace, service) in NAMES {
        let what = format!("{name} on the workstation");
        let expected = cluster_ip(client, namespace, service).await;
        wait::until(deadline, &what, || async {
            match &expected {
                Ok(expected) => look(name, *expected).await,
                Err(reason) => Probe::Broken(std::io::Error::other(reason.clone())),
            }
        })
        .await?;
    }
    Ok(())
}

/// Asks the system's own resolver, because that is what Telepresence changes and what the service asks. A question that nobody
/// answers must not use up the time of the next ones.
async fn look(name: &str, expected: IpAddr) -> Probe<(), std::io::Error> {
    let asked = Deadline::after(PROBE_LIMIT);
    let found = match asked.bound(tokio::net::lookup_host((name, 80))).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Probe::not_yet(error.to_string()),
        Err(_) => return Probe::not_yet(format!("no answer within {} s", PROBE_LIMIT.as_secs())),
    };
    let found: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
    if found.contains(&expected) {
        Probe::Ready(())
    } else {
        Probe::not_yet(format!("resolves to {found:?}, and is {expected} in the cluster"))
    }
}

async fn cluster_ip(client: &Client, namespace: &str, service: &str) -> Result<IpAddr, String> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let found = services.get(service).await.map_err(|error| error.to_string())?;
    let address = found.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default();
    address
        .parse()
        .map_err(|_| format!("the Service {namespace}/{service} has no address"))
}
