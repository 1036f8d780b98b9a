//! Whatever explains a failure in the cluster, copied into the run directory, without secrets.

mod node_logs;
mod shelf;
mod workstation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, NamespaceResourceScope};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Client, Resource};
use serde_json::Value;
use testbed::{Collected, Deadline, redact};

use crate::kubernetes::error::request;
use crate::kubernetes::{KubernetesError, connect, events, logs, view};
use crate::manifest::{APPLICATION, OBSERVABILITY};
use crate::telepresence::{MANAGER_NAMESPACE, Witness};
use crate::tool::ToolPath;
pub use node_logs::NodeLogs;
use shelf::{Piece, Shelf};

/// How long all of it may take. Each part is left out, with a note, when it can't be had.
const LIMIT: Duration = Duration::from_secs(30);

/// Where evidence comes from; needs no environment that is up.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The kind cluster and kind itself, if the cluster is ours.
    pub kind: Option<NodeLogs>,
    /// The kubeconfig, which is there as soon as the API server was.
    pub kubeconfig: PathBuf,
    /// Namespaces whose objects and logs are taken.
    pub namespaces: Vec<String>,
    /// Telepresence, when services are intercepted.
    pub telepresence: Option<Witness>,
    /// Where the tools are that show this machine's network.
    pub tools: ToolPath,
}

impl Sources {
    /// The namespaces of the manifests, and that of the traffic manager when there is one.
    #[must_use]
    pub fn namespaces(intercepts: bool) -> Vec<String> {
        let manager = intercepts.then_some(MANAGER_NAMESPACE);
        [OBSERVABILITY, APPLICATION]
            .into_iter()
            .chain(manager)
            .map(ToOwned::to_owned)
            .collect()
    }
}

/// Collects everything at the same time. `folder` is below `run_dir`; what can't be had is named in `missing.txt`.
pub async fn collect(sources: &Sources, folder: &Path, run_dir: &Path) -> Vec<Collected> {
    let deadline = Deadline::after(LIMIT);
    let shelf = Shelf {
        folder: folder.to_owned(),
        run_dir: run_dir.to_owned(),
    };
    let kubernetes = from_kubernetes(sources, &shelf, &deadline);
    let kind = async {
        match &sources.kind {
            Some(node) => node_logs::collect(node, &shelf, &deadline).await,
            None => Vec::new(),
        }
    };
    let workstation = async {
        let Some(witness) = &sources.telepresence else {
            return Vec::new();
        };
        let mut pieces = workstation::telepresence(witness, &shelf, &deadline).await;
        pieces.push(workstation::network(&sources.tools, &shelf, &deadline).await);
        pieces
    };
    let (mut found, from_kind, from_here) = tokio::join!(kubernetes, kind, workstation);
    found.extend(from_kind.into_iter().chain(from_here));
    let missing: Vec<&str> = found
        .iter()
        .filter_map(|part| part.as_ref().err())
        .map(String::as_str)
        .collect();
    let missing = (!missing.is_empty())
        .then(|| shelf.keep("what could not be had", "missing.txt", &missing.join("\n")));
    found.into_iter().chain(missing).filter_map(Result::ok).collect()
}

async fn from_kubernetes(sources: &Sources, shelf: &Shelf, deadline: &Deadline) -> Vec<Piece> {
    if !sources.kubeconfig.exists() {
        return vec![Err("objects, events and logs: there was no API server yet".into())];
    }
    let client = match connect(&sources.kubeconfig, None).await {
        Ok(client) => client,
        Err(error) => return vec![Err(error.to_string())],
    };
    let mut pieces = Vec::new();
    pieces.push(shelf.keep_result("nodes", "nodes.json", nodes(&client, deadline).await));
    for namespace in &sources.namespaces {
        pieces.extend(from_namespace(&client, namespace, shelf, deadline).await);
    }
    pieces
}

async fn from_namespace(client: &Client, namespace: &str, shelf: &Shelf, deadline: &Deadline) -> Vec<Piece> {
    let (described_pods, deployments, services, slices, events) = tokio::join!(
        described::<Pod>(client, namespace, deadline),
        described::<Deployment>(client, namespace, deadline),
        described::<Service>(client, namespace, deadline),
        described::<EndpointSlice>(client, namespace, deadline),
        events::of_namespace(client, namespace, deadline),
    );
    let at = |name: &str| format!("{namespace}/{name}");
    let mut pieces = vec![
        shelf.keep_result(&format!("pods in {namespace}"), &at("pods.json"), described_pods),
        shelf.keep_result(
            &format!("deployments in {namespace}"),
            &at("deployments.json"),
            deployments,
        ),
        shelf.keep_result(
            &format!("services in {namespace}"),
            &at("services.json"),
            services,
        ),
        shelf.keep_result(
            &format!("endpoints in {namespace}"),
            &at("endpoints.json"),
            slices,
        ),
        shelf.keep_result(
            &format!("events in {namespace}"),
            &at("events.txt"),
            events.map(|lines| lines.join("\n")),
        ),
    ];
    let pods_here = view::pods(client, Some(namespace));
    let what = format!("pods in {namespace}");
    let found = match request(&what, deadline, pods_here.list(&ListParams::default())).await {
        Ok(found) => found.items,
        Err(error) => {
            pieces.push(Err(error.to_string()));
            return pieces;
        }
    };
    for pod in &found {
        match logs::of_pod(client, pod, deadline).await {
            Ok(logs) => pieces.extend(logs.into_iter().map(|log| {
                let previous = if log.previous { ".previous" } else { "" };
                let name = at(&format!("{}/{}{previous}.log", log.pod, log.container));
                let what = format!(
                    "log of {} in {}{}",
                    log.container,
                    log.pod,
                    if log.previous { " before its restart" } else { "" }
                );
                shelf.keep(&what, &name, &log.text)
            })),
            Err(error) => pieces.push(Err(error.to_string())),
        }
    }
    pieces
}

async fn described<K>(
    client: &Client,
    namespace: &str,
    deadline: &Deadline,
) -> Result<String, KubernetesError>
where
    K: Resource<DynamicType = ()> + Metadata<Scope = NamespaceResourceScope, Ty = ObjectMeta>,
{
    let what = format!("{} in {namespace}", K::plural(&()));
    let objects = view::whole::<K>(client, namespace);
    Ok(describe(
        &request(&what, deadline, objects.list(&ListParams::default()))
            .await?
            .items,
    ))
}

async fn nodes(client: &Client, deadline: &Deadline) -> Result<String, KubernetesError> {
    let nodes: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::erase::<Node>(&()));
    Ok(describe(
        &request("nodes", deadline, nodes.list(&ListParams::default()))
            .await?
            .items,
    ))
}

/// Objects as JSON for people: without who set which field, and without secrets.
fn describe(objects: &[DynamicObject]) -> String {
    let mut json = serde_json::to_value(objects).unwrap_or(Value::Null);
    for object in json.as_array_mut().into_iter().flatten() {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
    }
    redact::value(&mut json);
    serde_json::to_string_pretty(&json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_can_t_be_had_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources {
            kind: None,
            kubeconfig: folder.path().join("none"),
            namespaces: Vec::new(),
            telepresence: None,
            tools: ToolPath::default(),
        };
        let evidence = folder.path().join("evidence");
        let collected = collect(&sources, &evidence, folder.path()).await;
        assert_eq!(collected.len(), 1);
        assert_eq!(collected[0].path, Path::new("evidence/missing.txt"));
        let missing = std::fs::read_to_string(evidence.join("missing.txt")).unwrap();
        assert!(missing.contains("there was no API server yet"), "{missing}");
    }
}
