//! What is there already under the names that a run wants, and what may be done about it.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use kube::{Client, ResourceExt};
use testbed::{Deadline, Missing};

use crate::kubernetes::KubernetesError;
use crate::kubernetes::apply;
use crate::kubernetes::error::request;
use crate::manifest::{self, BY_HAND, Object, RUN_LABEL};

/// How many objects are asked for at once.
const AT_ONCE: usize = 8;

/// An object that has a name that the run wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// `Deployment`.
    pub(super) kind: String,
    /// `order-service`.
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    /// The run that made it.
    pub(super) run: Option<String>,
    /// Whether it is being deleted.
    pub(super) leaving: bool,
}

/// Looks for every object of these.
///
/// # Errors
/// The server refuses or does not answer.
pub(super) async fn look(
    client: &Client,
    wanted: &[Object],
    deadline: &Deadline,
) -> Result<Vec<Found>, KubernetesError> {
    let looks = wanted.iter().map(|object| look_for(client, object, deadline));
    let found: Vec<Option<Found>> = stream::iter(looks.collect::<Vec<_>>())
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn look_for(
    client: &Client,
    object: &Object,
    deadline: &Deadline,
) -> Result<Option<Found>, KubernetesError> {
    let Some((api, name)) = apply::api(client, &object.object) else {
        return Ok(None);
    };
    let what = format!("{} {name}", object.kind());
    let found = match request(&what, deadline, api.get_metadata_opt(name)).await {
        Ok(found) => found,
        // Some servers answer so for a namespace that is not there.
        Err(error) if error.is_absent() => None,
        Err(error) => return Err(error),
    };
    Ok(found.map(|found| Found {
        kind: object.kind().to_owned(),
        name: name.to_owned(),
        namespace: object.object.namespace(),
        run: found.labels().get(RUN_LABEL).cloned(),
        leaving: found.metadata.deletion_timestamp.is_some(),
    }))
}

/// Everything that is in the way, each with what may be done about it. Namespaces in `allowed` are not, and what is in a
/// namespace that is in the way itself is not worth a word.
pub(super) fn judge(context: &str, found: &[Found], allowed: &[String]) -> Vec<Missing> {
    let is_namespace = |one: &Found| one.kind == "Namespace";
    let refused = |name: &str| {
        let namespace = found.iter().find(|one| is_namespace(one) && one.name == name);
        namespace.is_some_and(|one| one.leaving || !allowed.contains(&one.name))
    };
    let mut told = Vec::new();
    let mut by_run: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in found {
        let what = one.describe();
        if is_namespace(one) && one.leaving {
            told.push(Missing {
                fact: format!("the namespace {} in {context} is being deleted", one.name),
                cure: format!(
                    "wait: `kubectl --context {context} wait --for=delete namespace/{} --timeout=120s`",
                    one.name
                ),
            });
        } else if is_namespace(one) && allowed.contains(&one.name) {
            // Used as it is, and left as it is.
        } else if one.namespace.as_deref().is_some_and(refused) {
            // Told with its namespace.
        } else if let Some(run) = &one.run {
            by_run.entry(run).or_default().push(what);
        } else if is_namespace(one) {
            told.push(Missing {
                fact: format!(
                    "the namespace {} is in {context} already, and Throughline did not make it",
                    one.name
                ),
                cure: format!("if it may be used, say so: `--use-namespace {}`", one.name),
            });
        } else {
            told.push(Missing {
                fact: format!("{what} is in {context} already, and Throughline did not make it"),
                cure: "it is never overwritten: remove it yourself, or use another cluster".into(),
            });
        }
    }
    told.extend(by_run.into_iter().map(|(run, what)| left(context, run, &what)));
    told
}

/// What another run has there.
fn left(context: &str, run: &str, what: &[String]) -> Missing {
    let what = what.join(", ");
    let by_hand = format!(
        "`kubectl --context {context} delete namespaces,clusterroles,clusterrolebindings --selector {}`",
        manifest::of_run(run)
    );
    if run == BY_HAND {
        return Missing {
            fact: format!("applied by hand in {context}: {what}"),
            cure: by_hand,
        };
    }
    Missing {
        fact: format!("of the run {run} in {context}: {what}"),
        cure: format!(
            "wait for its end; if it was killed, `cargo xtask down` in its checkout; if that is gone: {by_hand}"
        ),
    }
}

impl Found {
    fn describe(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: &str, namespace: Option<&str>, name: &str, run: Option<&str>) -> Found {
        Found {
            kind: kind.into(),
            name: name.into(),
            namespace: namespace.map(str::to_owned),
            run: run.map(str::to_owned),
            leaving: false,
        }
    }

    fn told(found: &[Found], allowed: &[&str]) -> String {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let told = judge("staging", found, &allowed);
        let lines: Vec<String> = told
            .iter()
            .map(|one| format!("{}\n  {}", one.fact, one.cure))
            .collect();
        lines.join("\n")
    }

    fn others() -> [Found; 3] {
        [
            found("Namespace", None, "demo", None),
            found("Deployment", Some("demo"), "order-service", None),
            found("ClusterRole", None, "throughline-otel-collector", None),
        ]
    }

    #[test]
    fn what_somebody_else_made_is_refused_with_the_flag_that_allows_it() {
        insta::assert_snapshot!("claim_others", told(&others(), &[]));
    }

    #[test]
    fn an_allowed_namespace_is_used_and_nothing_in_it_is_overwritten() {
        insta::assert_snapshot!("claim_allowed", told(&others(), &["demo"]));
        let only_the_namespace = [found("Namespace", None, "demo", None)];
        assert_eq!(told(&only_the_namespace, &["demo"]), "");
    }

    #[test]
    fn what_another_run_made_is_told_once_with_its_end() {
        let run = |kind: &str, namespace, name| found(kind, namespace, name, Some("7f3a-00112233"));
        let found = [
            run("Namespace", None, "demo"),
            run("Namespace", None, "observability"),
            run("Service", Some("demo"), "storefront"),
            run("ClusterRole", None, "throughline-otel-collector"),
        ];
        insta::assert_snapshot!("claim_run", told(&found, &[]));
    }

    #[test]
    fn what_was_applied_by_hand_is_told_with_the_command_that_removes_it() {
        let found = [found("Namespace", None, "demo", Some(BY_HAND))];
        insta::assert_snapshot!("claim_by_hand", told(&found, &[]));
    }

    #[test]
    fn a_namespace_that_is_going_away_is_waited_for_even_if_it_is_allowed() {
        let mut leaving = found("Namespace", None, "demo", None);
        leaving.leaving = true;
        insta::assert_snapshot!("claim_leaving", told(&[leaving], &["demo"]));
    }

    #[test]
    fn an_empty_cluster_has_nothing_in_the_way() {
        assert_eq!(judge("staging", &[], &[]), []);
    }
}
