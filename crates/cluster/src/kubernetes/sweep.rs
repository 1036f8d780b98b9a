//! Everything of a run removed from a cluster that stays: owners by their label, and what they own with them.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, ResourceExt};
use testbed::Deadline;
use testbed::wait::{self, Probe};

use super::error::{KubernetesError, request};
use crate::manifest::{self, APPLICATION, OBSERVABILITY};

/// The kinds of `manifests/` as group, version and kind, in the order of removal: namespaces last, because what is in
/// one goes with it, slowly. What these objects own (replica sets, pods, endpoints) goes when its owner goes.
const KINDS: [(&str, &str, &str); 7] = [
    ("apps", "v1", "Deployment"),
    ("", "v1", "Service"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    ("", "v1", "Namespace"),
];

/// Removes every object that carries the run's label, and waits until its pods are gone. Returns how many objects were
/// removed. A namespace that is going away is not waited for: it is empty, and takes its controller ten seconds.
///
/// # Errors
/// The server refuses, or pods are left at the deadline.
pub async fn sweep(client: &Client, run: &str, deadline: &Deadline) -> Result<usize, KubernetesError> {
    let labelled = ListParams::default().labels(&manifest::of_run(run));
    let mut removed = 0;
    for (group, version, kind) in KINDS {
        for place in places(client, group, version, kind) {
            let found = request(
                &format!("{kind}s of run {run}"),
                deadline,
                place.list_metadata(&labelled),
            )
            .await?;
            for object in found {
                let name = object.name_any();
                let what = format!("{kind} {name}");
                match request(&what, deadline, place.delete(&name, &DeleteParams::background())).await {
                    Ok(_) => removed += 1,
                    // Gone with its namespace, or by somebody else's hand.
                    Err(error) if error.is_absent() => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    let pods: Api<Pod> = Api::all(client.clone());
    let what = format!("the end of the pods of run {run}");
    let gone = wait::until(deadline, &what, || async {
        match request("pods", deadline, pods.list_metadata(&labelled)).await {
            Ok(left) if left.items.is_empty() => Probe::Ready(()),
            Ok(left) => Probe::NotYet(format!("{} left", left.items.len())),
            Err(error) if error.passes() => Probe::NotYet(error.to_string()),
            Err(error) => Probe::Broken(error),
        }
    });
    gone.await?;
    Ok(removed)
}

/// Waits until the run's namespaces are gone: what is in one is only gone when it is.
///
/// # Errors
/// The server refuses, or one is left at the deadline.
pub async fn gone(client: &Client, run: &str, deadline: &Deadline) -> Result<(), KubernetesError> {
    let labelled = ListParams::default().labels(&manifest::of_run(run));
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let what = format!("the end of the namespaces of run {run}");
    let gone = wait::until(deadline, &what, || async {
        match request("namespaces", deadline, namespaces.list_metadata(&labelled)).await {
            Ok(left) if left.items.is_empty() => Probe::Ready(()),
            Ok(left) => {
                let names: Vec<String> = left.items.iter().map(ResourceExt::name_any).collect();
                Probe::NotYet(format!("{} left", names.join(", ")))
            }
            Err(error) if error.passes() => Probe::NotYet(error.to_string()),
            Err(error) => Probe::Broken(error),
        }
    });
    Ok(gone.await?)
}

/// Where objects of a kind may be: a user of one cluster among many may look into our namespaces only.
fn places(client: &Client, group: &str, version: &str, kind: &str) -> Vec<Api<DynamicObject>> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    if ["Namespace", "ClusterRole", "ClusterRoleBinding"].contains(&kind) {
        return vec![Api::all_with(client.clone(), &resource)];
    }
    [APPLICATION, OBSERVABILITY]
        .map(|namespace| Api::namespaced_with(client.clone(), namespace, &resource))
        .into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::manifest::FILES;

    #[test]
    fn every_kind_of_the_manifests_is_swept() {
        let swept: BTreeSet<&str> = KINDS.iter().map(|(_, _, kind)| *kind).collect();
        let lines = FILES.iter().flat_map(|file| file.text.lines());
        let applied: BTreeSet<&str> = lines.filter_map(|line| line.strip_prefix("kind: ")).collect();
        assert_eq!(swept, applied);
    }
}
