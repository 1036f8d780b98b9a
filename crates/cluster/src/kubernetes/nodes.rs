//! What is said of nodes.

use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use testbed::Deadline;

use super::error::{KubernetesError, persist, request};

/// A label of a node, by which a pod's `nodeSelector` finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeLabel {
    /// Its key, with a prefix.
    pub key: &'static str,
    /// Its value.
    pub value: &'static str,
}

/// Waits until a node is registered. Its kubelet asks for that again and again, and the longer the server took to come up, the longer
/// it waits in between: the controllers and the scheduler may begin before.
///
/// # Errors
/// There is no such node before the deadline, or the server refuses.
pub async fn registered(client: &Client, node: &str, deadline: &Deadline) -> Result<(), KubernetesError> {
    let nodes: Api<Node> = Api::all(client.clone());
    let what = format!("the node {node}");
    persist(&what, deadline, KubernetesError::passes_or_is_absent, || {
        request(&what, deadline, nodes.get(node))
    })
    .await
    .map(drop)
}

/// Puts a label on a node. A new cluster knows its node only some time after the server has begun to answer.
///
/// # Errors
/// There is no such node before the deadline, or the server refuses.
pub async fn label(
    client: &Client,
    node: &str,
    label: NodeLabel,
    deadline: &Deadline,
) -> Result<(), KubernetesError> {
    let nodes: Api<Node> = Api::all(client.clone());
    let what = format!("a label of the node {node}");
    let params = PatchParams::default();
    let patch = Patch::Merge(json!({"metadata": {"labels": {label.key: label.value}}}));
    persist(&what, deadline, KubernetesError::passes_or_is_absent, || {
        request(&what, deadline, nodes.patch(node, &params, &patch))
    })
    .await
    .map(drop)
}
