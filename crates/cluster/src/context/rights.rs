//! The rights that a run needs in a cluster that is not ours, and which of them its user lacks.
//!
//! docs/CONTEXT.md has the same list for people; a test compares the two.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Client;
use kube::api::{Api, PostParams};
use testbed::{Deadline, Missing};

use crate::kubernetes::KubernetesError;
use crate::kubernetes::error::request;
use crate::manifest::{APPLICATION, OBSERVABILITY};
use crate::telepresence::MANAGER_NAMESPACE;

/// How many questions are asked at once: there are some eighty, and each takes the server a millisecond or two.
const AT_ONCE: usize = 16;

/// Where a right holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// In all namespaces, or of something that is in none.
    Cluster,
    /// In the two namespaces of the manifests.
    Ours,
    /// In the traffic manager's namespace.
    Manager,
}

/// When a right is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Only when there is no traffic manager yet.
    Installing,
}

struct Right {
    /// Its API group; empty for the core.
    group: &'static str,
    /// `pods`, or with a subresource `pods/log`.
    resource: &'static str,
    verbs: &'static [&'static str],
    scope: Scope,
    when: When,
}

const fn right(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    scope: Scope,
    when: When,
) -> Right {
    Right {
        group,
        resource,
        verbs,
        scope,
        when,
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const KEEP: &[&str] = &["get", "list", "create", "delete"];
const READ: &[&str] = &["get", "list", "watch"];

use Scope::{Cluster, Manager, Ours};
use When::{Always, Installing};

/// Everything that the harness, the Collector's service account (whose rights only who has them may give) and
/// Telepresence need.
const RIGHTS: [Right; 22] = [
    right(
        "",
        "namespaces",
        &["get", "list", "watch", "create", "delete"],
        Cluster,
        Always,
    ),
    right("apps", "deployments", KEEP, Ours, Always),
    right("apps", "deployments", &["list", "watch"], Cluster, Always),
    right("", "services", KEEP, Ours, Always),
    right("", "configmaps", KEEP, Ours, Always),
    right("", "serviceaccounts", KEEP, Ours, Always),
    right("", "pods", READ, Cluster, Always),
    right("", "pods/log", &["get"], Ours, Always),
    right("", "pods/proxy", &["get"], Ours, Always),
    // kube asks by WebSocket, which is a `get`; Kubernetes 1.35 wants `create` of those too.
    right("", "pods/portforward", &["get", "create"], Ours, Always),
    right("", "events", &["list"], Ours, Always),
    right(RBAC, "clusterroles", KEEP, Cluster, Always),
    right(RBAC, "clusterrolebindings", KEEP, Cluster, Always),
    right("apps", "replicasets", READ, Cluster, Always),
    right("", "pods/portforward", &["create"], Manager, Always),
    right("", "services", &["get"], Manager, Always),
    right(
        "",
        "secrets",
        &["get", "list", "create", "update", "delete"],
        Manager,
        Installing,
    ),
    right("apps", "deployments", KEEP, Manager, Installing),
    right("", "serviceaccounts", KEEP, Manager, Installing),
    right(RBAC, "roles", KEEP, Manager, Installing),
    right(RBAC, "roles", KEEP, Ours, Installing),
    right(
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        KEEP,
        Cluster,
        Installing,
    ),
];

/// A right that is lacking: a verb on a resource somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Lacking {
    resource: String,
    namespace: Option<String>,
    verb: &'static str,
}

/// Asks for every right, and tells all that are lacking. `manager` is the namespace of the traffic manager that is there.
///
/// # Errors
/// The server does not answer, or not even that may be asked.
pub(super) async fn lacking(
    client: &Client,
    context: &str,
    manager: Option<&str>,
    deadline: &Deadline,
) -> Result<Vec<Missing>, KubernetesError> {
    let mut questions = Vec::new();
    for right in RIGHTS
        .iter()
        .filter(|right| right.when == Always || manager.is_none())
    {
        for namespace in namespaces(right.scope, manager) {
            for verb in right.verbs {
                questions.push(ask(client, right, verb, namespace.clone(), deadline));
            }
        }
    }
    let answers: Vec<Option<Lacking>> = stream::iter(questions).buffered(AT_ONCE).try_collect().await?;
    Ok(tell(context, answers.into_iter().flatten().collect()))
}

fn namespaces(scope: Scope, manager: Option<&str>) -> Vec<Option<String>> {
    match scope {
        Cluster => vec![None],
        Ours => [APPLICATION, OBSERVABILITY]
            .map(|name| Some(name.to_owned()))
            .to_vec(),
        Manager => vec![Some(manager.unwrap_or(MANAGER_NAMESPACE).to_owned())],
    }
}

async fn ask(
    client: &Client,
    right: &Right,
    verb: &'static str,
    namespace: Option<String>,
    deadline: &Deadline,
) -> Result<Option<Lacking>, KubernetesError> {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (right.resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(right.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource,
                verb: Some(verb.to_owned()),
                namespace: namespace.clone(),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = request(
        "a question for rights",
        deadline,
        reviews.create(&PostParams::default(), &review),
    )
    .await?;
    let allowed = answer.status.is_some_and(|status| status.allowed);
    Ok((!allowed).then(|| Lacking {
        resource: full_name(right),
        namespace,
        verb,
    }))
}

/// `deployments.apps`, `pods/log`: as `kubectl auth can-i` takes it.
fn full_name(right: &Right) -> String {
    match (right.group, right.resource.split_once('/')) {
        ("", _) => right.resource.to_owned(),
        (group, Some((resource, subresource))) => format!("{resource}.{group}/{subresource}"),
        (group, None) => format!("{}.{group}", right.resource),
    }
}

/// One line for each resource and place.
fn tell(context: &str, lacking: Vec<Lacking>) -> Vec<Missing> {
    let mut places: BTreeMap<(Option<String>, String), Vec<&str>> = BTreeMap::new();
    for one in lacking {
        places
            .entry((one.namespace, one.resource))
            .or_default()
            .push(one.verb);
    }
    let told = places.into_iter().map(|((namespace, resource), verbs)| {
        let place = namespace
            .as_ref()
            .map_or_else(|| "in the whole cluster".to_owned(), |name| format!("in the namespace {name}"));
        let scope = namespace.map_or_else(|| " --all-namespaces".to_owned(), |name| format!(" --namespace {name}"));
        Missing {
            fact: format!(
                "the user of {context} may not {} {resource} {place}",
                verbs.join(", ")
            ),
            cure: format!(
                "ask whoever runs the cluster for it; `kubectl --context {context}{scope} auth can-i {} {resource}` tells \
                 when it is there",
                verbs[0]
            ),
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_one_line_for_each_resource_and_place() {
        let one = |resource: &str, namespace: Option<&str>, verb| Lacking {
            resource: resource.into(),
            namespace: namespace.map(str::to_owned),
            verb,
        };
        let told = tell(
            "staging",
            vec![
                one("deployments.apps", Some("demo"), "create"),
                one("deployments.apps", Some("demo"), "delete"),
                one("deployments.apps", Some("observability"), "create"),
                one("namespaces", None, "create"),
            ],
        );
        let lines: Vec<String> = told
            .iter()
            .map(|one| format!("{}\n  {}", one.fact, one.cure))
            .collect();
        insta::assert_snapshot!("rights_lacking", lines.join("\n"));
    }

    #[test]
    fn the_page_for_people_lists_every_right() {
        let page = include_str!("../../../../docs/CONTEXT.md");
        for right in &RIGHTS {
            let place = match right.scope {
                Cluster => "the whole cluster",
                Ours => "`demo`, `observability`",
                Manager => "the traffic manager's namespace",
            };
            let row = format!(
                "| `{}` | {place} | {} |",
                full_name(right),
                right.verbs.join(", ")
            );
            assert!(page.contains(&row), "docs/CONTEXT.md lacks the row\n{row}");
        }
    }

    #[test]
    fn a_resource_is_named_as_kubectl_takes_it() {
        assert_eq!(
            full_name(&right("apps", "deployments/scale", &[], Ours, Always)),
            "deployments.apps/scale"
        );
        assert_eq!(full_name(&right("", "pods/log", &[], Ours, Always)), "pods/log");
    }
}
