//! A workload set up in another way: what was applied is applied again with a change, and the next run's apply takes it back if
//! this one can't.

use std::time::Duration;

use serde_json::{Value, json};
use testbed::wait::{self, Probe};
use testbed::{Arrangement, Deadline, Run};

use super::KindEnvironment;
use crate::error::ClusterError;
use crate::kubernetes::apply::apply;
use crate::kubernetes::pods;
use crate::kubernetes::rollout::{self, Workload};
use crate::kubernetes::view::PodView;
use crate::manifest::{APPLICATION, Object};

/// How long a workload may take until it serves in its new form.
const ARRANGE: Duration = Duration::from_secs(90);
/// The container that Telepresence puts into a pod for intercepts.
const AGENT: &str = "traffic-agent";
/// Asks Telepresence's webhook to put it there when the pod is made, and not when it is first intercepted.
const INJECT: (&str, &str) = ("telepresence.io/inject-traffic-agent", "enabled");
/// The port of every service's container.
const CONTAINER_PORT: u16 = 8080;

impl KindEnvironment {
    /// Changes the workload's objects, and waits until the pods are as they should be.
    pub(super) async fn rearrange(
        &mut self,
        run: &Run,
        workload: &str,
        arrangement: Arrangement,
    ) -> Result<(), ClusterError> {
        let work = self.change(run, workload, arrangement);
        Ok(run
            .step(&format!("{workload} {}", describe(arrangement)), ARRANGE, work)
            .await?)
    }

    async fn change(
        &mut self,
        run: &Run,
        workload: &str,
        arrangement: Arrangement,
    ) -> Result<(), ClusterError> {
        let deadline = run.deadline(ARRANGE);
        let (Some(up), Some(begun), Some(telepresence)) = (&self.up, &self.begun, &mut self.telepresence)
        else {
            return Err(ClusterError::NoIntercepts);
        };
        let label = &begun.choice.label;
        let each = [Workload::new(APPLICATION, workload)];
        // A pod that is made behind a numeric port must let its init container be root: it does so from before there is such a
        // port until after there is none.
        let mut objects = changed(&up.objects, workload, arrangement);
        objects
            .sort_by_key(|object| (object.kind() == "Service") == (arrangement == Arrangement::NumericPort));
        for object in objects {
            apply(&up.client, &[object], &deadline).await?;
            rollout::available(&up.client, label, &each, &deadline, |_| ()).await?;
        }
        if arrangement == Arrangement::Unprepared {
            telepresence.uninstall(run, workload).await?;
            let what = format!("{workload} without {AGENT}");
            until(&up.client, label, workload, &deadline, &what, without_agent).await?;
            rollout::available(&up.client, label, &each, &deadline, |_| ()).await?;
        }
        // While a pod ends, requests are still sent to it that it refuses.
        let what = format!("the end of the pods that {workload} had before");
        until(&up.client, label, workload, &deadline, &what, none_leaving).await
    }
}

/// Waits until the workload's pods are as they should be: `lacking` says what they are not yet.
async fn until(
    client: &kube::Client,
    label: &str,
    workload: &str,
    deadline: &Deadline,
    what: &str,
    lacking: impl Fn(&[PodView]) -> Option<String>,
) -> Result<(), ClusterError> {
    wait::until(deadline, what, || async {
        match pods::of_workload(client, APPLICATION, label, workload, deadline).await {
            Err(error) if !error.passes() => Probe::Broken(error),
            Err(error) => Probe::NotYet(error.to_string()),
            Ok(found) => lacking(&found).map_or(Probe::Ready(()), Probe::not_yet),
        }
    })
    .await?;
    Ok(())
}

/// No pod that stays has an agent, and there is one.
fn without_agent(found: &[PodView]) -> Option<String> {
    let staying: Vec<_> = found.iter().filter(|pod| !is_leaving(pod)).collect();
    let with_agent = staying
        .iter()
        .filter(|pod| pods::container_names(pod).any(|name| name == AGENT))
        .count();
    match (staying.len(), with_agent) {
        (0, _) => Some("no pod yet".to_owned()),
        (_, 0) => None,
        (all, with) => Some(format!("{with} of {all} pods still have it")),
    }
}

fn none_leaving(found: &[PodView]) -> Option<String> {
    let leaving = found.iter().filter(|pod| is_leaving(pod)).count();
    (leaving > 0).then(|| format!("{leaving} of {} pods are still ending", found.len()))
}

fn is_leaving(pod: &PodView) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// The workload's Deployment and Service, changed.
fn changed(all: &[Object], workload: &str, arrangement: Arrangement) -> Vec<Object> {
    let mut objects: Vec<Object> = all
        .iter()
        .filter(|object| object.name() == workload && ["Deployment", "Service"].contains(&object.kind()))
        .cloned()
        .collect();
    for object in &mut objects {
        let deployment = object.kind() == "Deployment";
        let spec = &mut object.object.data["spec"];
        match (arrangement, deployment) {
            (Arrangement::Prepared, true) => {
                spec["template"]["metadata"]["annotations"][INJECT.0] = INJECT.1.into();
            }
            (Arrangement::NumericPort, false) => name_ports_by_number(spec),
            (Arrangement::NumericPort, true) => let_init_containers_be_root(&mut spec["template"]["spec"]),
            (Arrangement::TwoReplicas, true) => spec["replicas"] = json!(2),
            (Arrangement::NoReplica, true) => spec["replicas"] = json!(0),
            _ => {}
        }
    }
    objects
}

fn name_ports_by_number(service: &mut Value) {
    for port in service["ports"].as_array_mut().into_iter().flatten() {
        port["targetPort"] = CONTAINER_PORT.into();
    }
}

/// Moves the user from the pod to its containers: behind a numeric port, an init container of Telepresence has to redirect the
/// pod's traffic, which it may only do as root, and a user of the pod is one of all its containers.
fn let_init_containers_be_root(pod: &mut Value) {
    const USER: [&str; 3] = ["runAsNonRoot", "runAsUser", "runAsGroup"];
    let mut user = Vec::new();
    if let Some(context) = pod["securityContext"].as_object_mut() {
        user.extend(
            USER.into_iter()
                .filter_map(|field| Some((field, context.remove(field)?))),
        );
    }
    for container in pod["containers"].as_array_mut().into_iter().flatten() {
        for (field, value) in &user {
            container["securityContext"][*field] = value.clone();
        }
    }
}

/// For the name of a step.
const fn describe(arrangement: Arrangement) -> &'static str {
    match arrangement {
        Arrangement::Deployed => "as deployed",
        Arrangement::Unprepared => "without a traffic agent",
        Arrangement::Prepared => "with a traffic agent from the start",
        Arrangement::NumericPort => "with a numeric target port",
        Arrangement::TwoReplicas => "with two pods",
        Arrangement::NoReplica => "without a pod",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::{self, Profile, Rendering};

    fn rendered() -> Vec<Object> {
        manifest::render(&Rendering {
            run: "r".into(),
            images: images(),
            profile: Profile::Synchronous,
        })
        .unwrap()
    }

    fn images() -> BTreeMap<String, String> {
        let services =
            manifest::SERVICES.map(|service| format!("{}/{service}", manifest::SERVICE_REPOSITORY));
        let upstream = [manifest::JAEGER_REPOSITORY, manifest::COLLECTOR_REPOSITORY].map(str::to_owned);
        services
            .into_iter()
            .chain(upstream)
            .map(|repository| (repository.clone(), format!("{repository}:test")))
            .collect()
    }

    /// What an arrangement makes of the Deployment and of the Service.
    fn arranged(arrangement: Arrangement) -> (Value, Value) {
        let objects = changed(&rendered(), "order-service", arrangement);
        let spec = |kind: &str| {
            let mut found = objects.iter().filter(|object| object.kind() == kind);
            let spec = found.next().unwrap().object.data["spec"].clone();
            assert!(found.next().is_none());
            spec
        };
        assert_eq!(objects.len(), 2);
        (spec("Deployment"), spec("Service"))
    }

    #[test]
    fn each_arrangement_changes_one_thing() {
        let deployed = arranged(Arrangement::Deployed);
        assert_eq!(arranged(Arrangement::Unprepared), deployed);
        let cases = [
            (
                Arrangement::Prepared,
                "/template/metadata/annotations/telepresence.io~1inject-traffic-agent",
                json!("enabled"),
            ),
            (Arrangement::TwoReplicas, "/replicas", json!(2)),
            (Arrangement::NoReplica, "/replicas", json!(0)),
        ];
        for (arrangement, path, value) in cases {
            let (deployment, service) = arranged(arrangement);
            assert_eq!(deployment.pointer(path), Some(&value), "{arrangement:?}");
            assert_ne!(deployed.0.pointer(path), Some(&value), "{arrangement:?}");
            assert_eq!(service, deployed.1, "{arrangement:?}");
        }
        let (deployment, service) = arranged(Arrangement::NumericPort);
        let pod = &deployment["template"]["spec"];
        assert_eq!(
            pod["securityContext"],
            json!({"seccompProfile": {"type": "RuntimeDefault"}})
        );
        let container = &pod["containers"][0]["securityContext"];
        assert_eq!(
            (
                &container["runAsNonRoot"],
                &container["runAsUser"],
                &container["allowPrivilegeEscalation"]
            ),
            (&json!(true), &json!(10001), &json!(false)),
            "the service itself has no more rights than before"
        );
        assert_eq!(
            (
                &deployed.1["ports"][0]["targetPort"],
                &service["ports"][0]["targetPort"]
            ),
            (&json!("http"), &json!(8080))
        );
    }
}
