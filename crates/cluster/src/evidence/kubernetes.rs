//! What Kubernetes tells: objects, events and logs. Of a cluster of somebody else only what the run put there, and the traffic
//! manager.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, NamespaceResourceScope};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::Value;
use testbed::{Deadline, redact};

use super::shelf::{Piece, Shelf};
use super::{Sources, Whose};
use crate::context::manager;
use crate::kubernetes::error::request;
use crate::kubernetes::{KubernetesError, connect, events, logs, view};
use crate::manifest::{APPLICATION, OBSERVABILITY, of_run};
use crate::telepresence::{MANAGER_LABEL, MANAGER_NAMESPACE};

/// The part of a namespace that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Area {
    namespace: String,
    /// Which objects; all of them without.
    selector: Option<String>,
}

impl Area {
    fn new(namespace: &str, selector: Option<String>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            selector,
        }
    }

    fn params(&self) -> ListParams {
        let selector = self.selector.as_ref();
        selector.map_or_else(ListParams::default, |selector| {
            ListParams::default().labels(selector)
        })
    }
}

pub(super) async fn collect(sources: &Sources, shelf: &Shelf, deadline: &Deadline) -> Vec<Piece> {
    if !sources.kubeconfig.exists() {
        return vec![Err("objects, events and logs: there was no API server yet".into())];
    }
    let client = match connect(&sources.kubeconfig, None).await {
        Ok(client) => client,
        Err(error) => return vec![Err(error.to_string())],
    };
    let mut pieces = Vec::new();
    let areas = match areas(sources, &client, deadline).await {
        (areas, Ok(())) => areas,
        (areas, Err(error)) => {
            pieces.push(Err(error.to_string()));
            areas
        }
    };
    let mut hosts = BTreeSet::new();
    for area in &areas {
        pieces.extend(from_area(&client, area, &mut hosts, shelf, deadline).await);
    }
    // In a cluster of somebody else, only the nodes that the run's pods are on.
    let hosts = matches!(sources.whose, Whose::Theirs { .. }).then_some(&hosts);
    let nodes = nodes(&client, hosts, deadline).await;
    pieces.push(shelf.keep_result("nodes", "nodes.json", nodes));
    pieces
}

/// Where to look: in the namespaces of the manifests, and in that of the traffic manager when there is one.
async fn areas(
    sources: &Sources,
    client: &Client,
    deadline: &Deadline,
) -> (Vec<Area>, Result<(), KubernetesError>) {
    let selector = match &sources.whose {
        Whose::Ours => None,
        Whose::Theirs { label } => Some(of_run(label)),
    };
    let mut areas: Vec<Area> = [OBSERVABILITY, APPLICATION]
        .into_iter()
        .map(|namespace| Area::new(namespace, selector.clone()))
        .collect();
    if sources.telepresence.is_none() {
        return (areas, Ok(()));
    }
    if sources.whose == Whose::Ours {
        areas.push(Area::new(MANAGER_NAMESPACE, None));
        return (areas, Ok(()));
    }
    // It may have been there before, in a namespace with other things of theirs.
    let found = manager::namespace(client, deadline).await.map(|found| {
        areas.extend(found.map(|namespace| Area::new(&namespace, Some(MANAGER_LABEL.to_owned()))));
    });
    (areas, found)
}

async fn from_area(
    client: &Client,
    area: &Area,
    hosts: &mut BTreeSet<String>,
    shelf: &Shelf,
    deadline: &Deadline,
) -> Vec<Piece> {
    let (pods, deployments, services, slices, sets) = tokio::join!(
        listed::<Pod>(client, area, deadline),
        listed::<Deployment>(client, area, deadline),
        listed::<Service>(client, area, deadline),
        listed::<EndpointSlice>(client, area, deadline),
        listed::<ReplicaSet>(client, area, deadline),
    );
    let host = |pod: &DynamicObject| Some(pod.data.pointer("/spec/nodeName")?.as_str()?.to_owned());
    hosts.extend(pods.iter().flatten().filter_map(host));
    let known = Known {
        everything: area.selector.is_none(),
        pods: names(&pods),
        deployments: names(&deployments),
        services: names(&services),
        slices: names(&slices),
        sets: names(&sets),
    };
    let namespace = &area.namespace;
    let events = events::of_namespace(client, namespace, deadline, |object| known.holds(object)).await;
    let at = |name: &str| format!("{namespace}/{name}");
    let mut pieces = Vec::new();
    for (what, file, found) in [
        ("pods", "pods.json", pods),
        ("deployments", "deployments.json", deployments),
        ("services", "services.json", services),
        ("endpoints", "endpoints.json", slices),
    ] {
        let text = found.map(|objects| describe(&objects));
        pieces.push(shelf.keep_result(&format!("{what} in {namespace}"), &at(file), text));
    }
    pieces.push(shelf.keep_result(
        &format!("events in {namespace}"),
        &at("events.txt"),
        events.map(|lines| lines.join("\n")),
    ));
    pieces.extend(logs_in(client, area, shelf, deadline).await);
    pieces
}

async fn logs_in(client: &Client, area: &Area, shelf: &Shelf, deadline: &Deadline) -> Vec<Piece> {
    let namespace = &area.namespace;
    let pods = view::pods(client, Some(namespace));
    let what = format!("pods in {namespace}");
    let found = match request(&what, deadline, pods.list(&area.params())).await {
        Ok(found) => found.items,
        Err(error) => return vec![Err(error.to_string())],
    };
    let mut pieces = Vec::new();
    for pod in &found {
        match logs::of_pod(client, pod, deadline).await {
            Ok(logs) => pieces.extend(logs.into_iter().map(|log| {
                let previous = if log.previous { ".previous" } else { "" };
                let name = format!("{namespace}/{}/{}{previous}.log", log.pod, log.container);
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

/// The names of the objects that were found in an area.
struct Known {
    everything: bool,
    pods: BTreeSet<String>,
    deployments: BTreeSet<String>,
    services: BTreeSet<String>,
    slices: BTreeSet<String>,
    sets: BTreeSet<String>,
}

impl Known {
    /// Whether an event is about one of them, or about a pod that is gone: its name begins with that of its ReplicaSet, which
    /// stays.
    fn holds(&self, object: &ObjectReference) -> bool {
        let name = object.name.as_deref().unwrap_or_default();
        let of_a_set = || {
            name.rsplit_once('-')
                .is_some_and(|(set, _)| self.sets.contains(set))
        };
        self.everything
            || match object.kind.as_deref() {
                Some("Pod") => self.pods.contains(name) || of_a_set(),
                Some("Deployment") => self.deployments.contains(name),
                Some("Service" | "Endpoints") => self.services.contains(name),
                Some("EndpointSlice") => self.slices.contains(name),
                Some("ReplicaSet") => self.sets.contains(name),
                _ => false,
            }
    }
}

fn names(objects: &Result<Vec<DynamicObject>, KubernetesError>) -> BTreeSet<String> {
    objects.iter().flatten().map(ResourceExt::name_any).collect()
}

async fn listed<K>(
    client: &Client,
    area: &Area,
    deadline: &Deadline,
) -> Result<Vec<DynamicObject>, KubernetesError>
where
    K: Resource<DynamicType = ()> + Metadata<Scope = NamespaceResourceScope, Ty = ObjectMeta>,
{
    let what = format!("{} in {}", K::plural(&()), area.namespace);
    let objects = view::whole::<K>(client, &area.namespace);
    let found = request(&what, deadline, objects.list(&area.params())).await?;
    Ok(found.items)
}

async fn nodes(
    client: &Client,
    only: Option<&BTreeSet<String>>,
    deadline: &Deadline,
) -> Result<String, KubernetesError> {
    let nodes: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::erase::<Node>(&()));
    let mut found = request("nodes", deadline, nodes.list(&ListParams::default()))
        .await?
        .items;
    found.retain(|node| only.is_none_or(|only| only.contains(&node.name_any())));
    Ok(describe(&found))
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
mod tests;
