//! The parts of Kubernetes' objects that are looked at. The whole objects take a megabyte of stack to read in an
//! unoptimised build, and most of it is about what nobody here asks.

use k8s_openapi::api::apps::v1::DeploymentStatus;
use k8s_openapi::api::core::v1::PodStatus;
use k8s_openapi::{Metadata, NamespaceResourceScope};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::{NotUsed, Object, ObjectMeta};
use kube::{Client, Resource};
use serde::{Deserialize, Serialize};

/// A pod without its specification.
pub type PodView = Object<NotUsed, PodStatus>;
/// A Deployment with its number of replicas.
pub type DeploymentView = Object<Replicas, DeploymentStatus>;

/// The part of a Deployment's specification that is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// How many pods there should be.
    pub replicas: Option<i32>,
}

/// The pods of a namespace, or of all.
#[must_use]
pub fn pods(client: &Client, namespace: Option<&str>) -> Api<PodView> {
    of(
        client,
        namespace,
        &ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&()),
    )
}

/// The Deployments of a namespace, or of all.
#[must_use]
pub fn deployments(client: &Client, namespace: Option<&str>) -> Api<DeploymentView> {
    of(
        client,
        namespace,
        &ApiResource::erase::<k8s_openapi::api::apps::v1::Deployment>(&()),
    )
}

/// Objects of a kind in a namespace, with all that is in them.
#[must_use]
pub fn whole<K>(client: &Client, namespace: &str) -> Api<DynamicObject>
where
    K: Resource<DynamicType = ()> + Metadata<Scope = NamespaceResourceScope, Ty = ObjectMeta>,
{
    of(client, Some(namespace), &ApiResource::erase::<K>(&()))
}

fn of<K>(client: &Client, namespace: Option<&str>, resource: &ApiResource) -> Api<K>
where
    K: Resource<DynamicType = ApiResource, Scope = kube::core::DynamicResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}
