//! The DNS of a new cluster, which kubeadm brings.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use testbed::Deadline;
use testbed::wait::{self, Probe};

use super::error::{KubernetesError, request};
use super::nodes::NodeLabel;

/// The namespace of Kubernetes' own DNS.
pub const NAMESPACE: &str = "kube-system";
/// Its Service.
pub const SERVICE: &str = "kube-dns";
/// Its Deployment, and its container.
const COREDNS: &str = "coredns";

/// Lets the DNS begin only on a node with this label, in one pod, which is asked every second whether it is ready. kubeadm starts
/// two at the same time as what makes them reach the API server; they look for it in vain, look again after one second, then after
/// two, and are asked only every ten seconds.
///
/// # Errors
/// It is not there before the deadline, or the server refuses.
pub async fn begin_on(client: &Client, label: NodeLabel, deadline: &Deadline) -> Result<(), wait::WaitError> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let what = format!("the Deployment {NAMESPACE}/{COREDNS}");
    let params = PatchParams::default();
    let patch = Patch::Strategic(json!({"spec": {
        "replicas": 1,
        "template": {"spec": {
            "nodeSelector": {label.key: label.value},
            "containers": [{"name": COREDNS, "readinessProbe": {"periodSeconds": 1}}],
        }},
    }}));
    wait::until(deadline, &what, || async {
        let patched = deployments.patch(COREDNS, &params, &patch);
        match request(&what, deadline, patched).await {
            Ok(_) => Probe::Ready(()),
            Err(error) if error.is_absent() || error.passes() => Probe::NotYet(error.to_string()),
            Err(error) => Probe::<_, KubernetesError>::Broken(error),
        }
    })
    .await
}
