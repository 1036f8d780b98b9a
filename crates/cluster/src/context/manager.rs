//! The traffic manager of a cluster that is there already: one that is found is used and stays.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Api, Client, ResourceExt};
use testbed::Deadline;

use crate::kubernetes::KubernetesError;
use crate::kubernetes::error::request;
use crate::telepresence::MANAGER_LABEL;

/// The namespace of the traffic manager, when there is one.
///
/// # Errors
/// The server refuses or does not answer.
pub(crate) async fn namespace(
    client: &Client,
    deadline: &Deadline,
) -> Result<Option<String>, KubernetesError> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let params = ListParams::default().labels(MANAGER_LABEL);
    let found = request("the traffic manager", deadline, all.list_metadata(&params)).await?;
    Ok(found.items.into_iter().find_map(|one| one.namespace()))
}
