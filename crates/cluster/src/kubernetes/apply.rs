//! Server-side apply of rendered manifests: namespaces first, everything else at once.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use kube::Client;
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use testbed::Deadline;

use super::error::{KubernetesError, persist, request};
use crate::manifest::{Object, RUN_LABEL};

/// Who owns the fields that are applied.
pub const FIELD_MANAGER: &str = "throughline";
/// How many objects are on their way at once. A server that has just started answers slowly, and to many at once.
const AT_ONCE: usize = 8;

/// Applies objects, namespaces before what may be in them. A server that is still starting is asked again.
///
/// # Errors
/// An object that the server refuses, with the file it stands in.
pub async fn apply(client: &Client, objects: &[Object], deadline: &Deadline) -> Result<(), KubernetesError> {
    let (namespaces, others): (Vec<&Object>, Vec<&Object>) =
        objects.iter().partition(|object| object.kind() == "Namespace");
    for wave in [namespaces, others] {
        let mut patches = Vec::with_capacity(wave.len());
        for object in wave {
            patches.push(apply_one(client, object, deadline));
        }
        stream::iter(patches)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    Ok(())
}

/// Creates objects that must not be there, namespaces before what may be in them. The server itself sees to it that
/// nobody else's object is taken; one that carries this run's label is the answer to a request that was repeated.
///
/// # Errors
/// An object that is there already, or that the server refuses.
pub async fn create(
    client: &Client,
    objects: &[Object],
    run: &str,
    deadline: &Deadline,
) -> Result<(), KubernetesError> {
    let (namespaces, others): (Vec<&Object>, Vec<&Object>) =
        objects.iter().partition(|object| object.kind() == "Namespace");
    for wave in [namespaces, others] {
        let mut posts = Vec::with_capacity(wave.len());
        for object in wave {
            posts.push(create_one(client, object, run, deadline));
        }
        stream::iter(posts)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    Ok(())
}

async fn create_one(
    client: &Client,
    object: &Object,
    run: &str,
    deadline: &Deadline,
) -> Result<(), KubernetesError> {
    let what = describe(object);
    let Some((api, name)) = api(client, &object.object) else {
        let reason = "it has no kind or no name".into();
        return Err(KubernetesError::Odd { what, reason });
    };
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.into()),
        ..PostParams::default()
    };
    let created = persist(&what, deadline, KubernetesError::passes, || {
        request(&what, deadline, api.create(&params, &object.object))
    });
    match created.await {
        Err(error) if error.is_taken() => match request(&what, deadline, api.get_metadata(name)).await {
            Ok(found) if found.labels().get(RUN_LABEL).is_some_and(|label| label == run) => Ok(()),
            _ => Err(error),
        },
        created => created.map(drop),
    }
}

async fn apply_one(client: &Client, object: &Object, deadline: &Deadline) -> Result<(), KubernetesError> {
    let what = describe(object);
    let Some((api, name)) = api(client, &object.object) else {
        let reason = "it has no kind or no name".into();
        return Err(KubernetesError::Odd { what, reason });
    };
    // Ours are the only manager's fields in a cluster of our own; in another one the objects are ours by their label.
    let (params, patch) = (
        PatchParams::apply(FIELD_MANAGER).force(),
        Patch::Apply(&object.object),
    );
    // The namespace was applied before, and not every part of a starting server has heard of it.
    persist(&what, deadline, KubernetesError::passes_or_is_absent, || {
        request(&what, deadline, api.patch(name, &params, &patch))
    })
    .await?;
    Ok(())
}

/// `Deployment demo/order-service (40-order.yaml)`.
fn describe(object: &Object) -> String {
    let namespace = object
        .object
        .metadata
        .namespace
        .as_ref()
        .map(|namespace| format!("{namespace}/"));
    format!(
        "{} {}{} ({})",
        object.kind(),
        namespace.unwrap_or_default(),
        object.name(),
        object.file
    )
}

/// The place of an object. Its plural needs no discovery: none of the kinds in `manifests/` has an irregular one.
pub(crate) fn api<'a>(client: &Client, object: &'a DynamicObject) -> Option<(Api<DynamicObject>, &'a str)> {
    let kind = GroupVersionKind::try_from(object.types.as_ref()?).ok()?;
    let resource = ApiResource::from_gvk(&kind);
    let api = match object.metadata.namespace.as_deref() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    Some((api, object.metadata.name.as_deref()?))
}
