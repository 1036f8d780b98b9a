//! The DNS of a new cluster, which kubeadm brings.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use testbed::Deadline;

use super::error::{KubernetesError, persist, request};
use super::nodes::NodeLabel;

/// The namespace of Kubernetes' own DNS.
pub const NAMESPACE: &str = "kube-system";
/// Its Service.
pub const SERVICE: &str = "kube-dns";
/// Where it is asked, as every DNS (RFC 1035, section 4.2).
pub const PORT: u16 = 53;
/// Its Deployment, and its container.
const COREDNS: &str = "coredns";

/// Lets the DNS begin only on a node with this label, in one pod, which is asked every second whether it is ready. kubeadm starts
/// two at the same time as what makes them reach the API server; they look for it in vain, look again after one second, then after
/// two, and are asked only every ten seconds.
///
/// # Errors
/// It is not there before the deadline, or the server refuses.
pub async fn begin_on(client: &Client, label: NodeLabel, deadline: &Deadline) -> Result<(), KubernetesError> {
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
    persist(&what, deadline, KubernetesError::passes_or_is_absent, || {
        request(&what, deadline, deployments.patch(COREDNS, &params, &patch))
    })
    .await
    .map(drop)
}
