//! A workload set up in another way: what was applied is applied again with a change, and the next run's apply takes it back if
//! this one can't.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::ResourceExt;
use serde_json::{Value, json};
use testbed::{Arrangement, Deadline, Run, Tell};

use super::KindEnvironment;
use super::lost_image::{self, Settled};
use crate::docker::QUESTION;
use crate::error::ClusterError;
use crate::kubernetes::agent::{AGENT, REDIRECTION};
use crate::kubernetes::apply::apply;
use crate::kubernetes::pods::{self, stays};
use crate::kubernetes::rollout;
use crate::kubernetes::unavailable::Workload;
use crate::kubernetes::view::PodView;
use crate::manifest::{APPLICATION, Object};

/// How long a workload may take until it serves in its new form.
const ARRANGE: Duration = Duration::from_secs(90);
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
        let work = async {
            while !self.change(run, workload, arrangement).await? {
                run.events().note(format!("{workload}: {}", lost_image::NOTE));
                self.change(run, workload, Arrangement::NoReplica).await?;
                let telepresence = self.telepresence.as_ref().ok_or(ClusterError::NoIntercepts)?;
                telepresence.uninstall(run, workload).await?;
            }
            Ok::<_, ClusterError>(())
        };
        Ok(run
            .step(&format!("{workload} {}", describe(arrangement)), ARRANGE, work)
            .await?)
    }

    /// Changes it; `false` when its pods can't come, since the traffic manager has lost their agent's image.
    async fn change(
        &mut self,
        run: &Run,
        workload: &str,
        arrangement: Arrangement,
    ) -> Result<bool, ClusterError> {
        let deadline = run.deadline(ARRANGE);
        let node = self.node()?;
        let (Some(up), Some(begun), Some(telepresence)) = (&self.up, &self.begun, &mut self.telepresence)
        else {
            return Err(ClusterError::NoIntercepts);
        };
        let label = &begun.choice.label;
        let each = [Workload::new(APPLICATION, workload)];
        let found = || pods::of_workload(&up.client, APPLICATION, label, workload, &deadline);
        let alike = async |arrangement: Arrangement| {
            let what = format!("{workload}'s pods {}", describe(arrangement));
            let lacking = |found: &[PodView]| unlike(found, arrangement);
            let which = (APPLICATION, label.as_str(), workload);
            pods::until_of_workload(&up.client, which, &what, &deadline, lacking).await
        };
        let before = found().await?;
        let none_before = !before.iter().any(stays);
        let replaced = arrangement != Arrangement::NoReplica
            && !none_before
            && (unlike(&before, arrangement).is_some() || grows(&before, arrangement));
        if replaced || arrangement == Arrangement::NoReplica {
            // Left to itself, Telepresence would replace every one of them, and those of a new Deployment once more. By way of
            // no pod at all, those that come are the right ones.
            let none = changed(&up.objects, workload, Arrangement::NoReplica);
            apply(&up.client, &none, &deadline).await?;
            alike(Arrangement::NoReplica).await?;
        }
        let ended = pods::forget_ending(&up.client, APPLICATION, &found().await?, &deadline).await?;
        if arrangement == Arrangement::NoReplica {
            node.leads_past(&ended, &deadline).await?;
            return Ok(true);
        }
        let of_kind = |kind: &str, arrangement| {
            let mut objects = changed(&up.objects, workload, arrangement);
            objects.retain(|object| object.kind() == kind);
            objects
        };
        // The Service by itself, before anything makes the traffic manager work an agent out: it does that from the Services it knows,
        // and keeps the outcome a moment later. A Service that changes between the two leaves an agent for the port of before, for
        // good: the change finds nothing to mend yet (`updateSvc` and `GetOrGenerate` in `mutator` of Telepresence 2.31.2).
        apply(&up.client, &of_kind("Service", arrangement), &deadline).await?;
        let other_agent = [Arrangement::Unprepared, Arrangement::NumericPort].contains(&arrangement);
        if replaced || (none_before && other_agent) {
            // What it knows of the workload's agent is for the pods that were there; for the next it is found out anew.
            telepresence.uninstall(run, workload).await?;
        }
        let make = async |arrangement: Arrangement| {
            apply(&up.client, &of_kind("Deployment", arrangement), &deadline).await
        };
        let alone = arrangement == Arrangement::TwoReplicas && (replaced || none_before);
        let pods = async {
            if alone {
                // One pod, and the other once that one has its agent. When two are given theirs at the same moment, the traffic manager
                // of 2.31.2 may lose the agent's image for good: both blank it in what they share, to write the rest down
                // (`MarshalTight` in Telepresence's `pkg/agentconfig`), and one puts back what the other has blanked.
                make(Arrangement::Prepared).await?;
                alike(Arrangement::Prepared).await?;
            }
            make(arrangement).await?;
            rollout::available(&up.client, label, &each, &deadline, |_| ()).await?;
            alike(arrangement).await?;
            rollout::available(&up.client, label, &each, &deadline, |_| ()).await?;
            Ok::<_, ClusterError>(())
        };
        match lost_image::settled(&up.client, workload, &deadline, pods).await {
            Settled::Done(done) => done?,
            Settled::ImageLost => return Ok(false),
        }
        pods::forget_ending(&up.client, APPLICATION, &found().await?, &deadline).await?;
        Ok(true)
    }

    /// The `service.instance.id` of the process in every pod that stays.
    pub(super) async fn staying_instances(&self, workload: &str) -> Result<BTreeSet<String>, ClusterError> {
        let (Some(up), Some(begun)) = (&self.up, &self.begun) else {
            return Err(ClusterError::NoIntercepts);
        };
        let deadline = Deadline::after(QUESTION);
        let mut found = BTreeSet::new();
        let label = &begun.choice.label;
        let all = pods::of_workload(&up.client, APPLICATION, label, workload, &deadline).await?;
        for pod in all.iter().filter(|pod| stays(pod)) {
            let who = pods::who_am_i(&up.client, APPLICATION, &pod.name_any(), Tell::Now, &deadline).await?;
            found.insert(who.instance_id);
        }
        Ok(found)
    }
}

/// What about the pods is not yet as it was arranged. Telepresence itself replaces those that have an agent for a port of the
/// other kind.
fn unlike(found: &[PodView], arrangement: Arrangement) -> Option<String> {
    let staying: Vec<_> = found.iter().filter(|pod| stays(pod)).collect();
    let count = |named: &str| {
        let has = |pod: &&&PodView| pods::container_names(pod).any(|name| name == named);
        staying.iter().filter(has).count()
    };
    let (all, with_agent, redirected) = (staying.len(), count(AGENT), count(REDIRECTION));
    match arrangement {
        Arrangement::NoReplica if all > 0 => Some(format!("{all} of them are still there")),
        Arrangement::NoReplica => None,
        _ if all == 0 => Some("no pod yet".to_owned()),
        Arrangement::Unprepared if with_agent > 0 => {
            Some(format!("{with_agent} of {all} still have {AGENT}"))
        }
        Arrangement::NumericPort if redirected < with_agent => Some(format!(
            "{AGENT} is without {REDIRECTION} in {} of {all}",
            with_agent - redirected
        )),
        Arrangement::NumericPort => None,
        _ if redirected > 0 => Some(format!("{redirected} of {all} still have {REDIRECTION}")),
        _ => None,
    }
}

/// Whether pods come beside those that there are.
fn grows(found: &[PodView], arrangement: Arrangement) -> bool {
    arrangement == Arrangement::TwoReplicas && found.iter().filter(|pod| stays(pod)).count() < 2
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
            (Arrangement::Prepared, true) => prepare(spec),
            (Arrangement::NumericPort, false) => name_ports_by_number(spec),
            (Arrangement::NumericPort, true) => {
                prepare(spec);
                let_init_containers_be_root(&mut spec["template"]["spec"]);
            }
            (Arrangement::TwoReplicas, true) => {
                prepare(spec);
                spec["replicas"] = json!(2);
            }
            (Arrangement::NoReplica, true) => spec["replicas"] = json!(0),
            _ => {}
        }
    }
    objects
}

fn prepare(deployment: &mut Value) {
    deployment["template"]["metadata"]["annotations"][INJECT.0] = INJECT.1.into();
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
    fn each_arrangement_changes_what_it_says() {
        let deployed = arranged(Arrangement::Deployed);
        assert_eq!(arranged(Arrangement::Unprepared), deployed);
        let injected = "/template/metadata/annotations/telepresence.io~1inject-traffic-agent";
        let cases = [
            (Arrangement::Prepared, injected, json!("enabled")),
            (Arrangement::TwoReplicas, injected, json!("enabled")),
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

    fn pod(containers: &[&str], ending: bool) -> PodView {
        let statuses: Vec<Value> = containers
            .iter()
            .map(|name| json!({"name": name, "image": "", "imageID": "", "ready": true, "restartCount": 0}))
            .collect();
        let deleted = ending.then_some("2026-01-01T00:00:00Z");
        serde_json::from_value(json!({
            "metadata": {"name": "p", "deletionTimestamp": deleted},
            "spec": {},
            "status": {"containerStatuses": statuses},
        }))
        .unwrap()
    }

    #[test]
    fn a_second_pod_comes_beside_one_and_not_beside_two() {
        let (staying, ending) = (
            || pod(&["order-service", AGENT], false),
            pod(&["order-service", AGENT], true),
        );
        assert!(grows(&[staying(), ending], Arrangement::TwoReplicas));
        assert!(!grows(&[staying(), staying()], Arrangement::TwoReplicas));
        assert!(!grows(&[staying()], Arrangement::Prepared));
    }

    #[test]
    fn what_the_pods_lack_is_said() {
        const OURS: &str = "order-service";
        let plain = || pod(&[OURS], false);
        let agent = || pod(&[OURS, AGENT], false);
        let redirected = || pod(&[OURS, AGENT, REDIRECTION], false);
        let ending = || pod(&[OURS, AGENT], true);
        let cases = [
            (Arrangement::Deployed, vec![agent(), ending()], None),
            (Arrangement::Deployed, vec![ending()], Some("no pod yet")),
            (
                Arrangement::Deployed,
                vec![redirected()],
                Some("1 of 1 still have tel-agent-init"),
            ),
            (Arrangement::Unprepared, vec![plain()], None),
            (
                Arrangement::Unprepared,
                vec![agent(), plain()],
                Some("1 of 2 still have traffic-agent"),
            ),
            (Arrangement::Unprepared, vec![plain(), ending()], None),
            (Arrangement::NumericPort, vec![plain(), redirected()], None),
            (
                Arrangement::NumericPort,
                vec![agent()],
                Some("traffic-agent is without tel-agent-init in 1 of 1"),
            ),
            (Arrangement::NoReplica, vec![ending()], None),
            (
                Arrangement::NoReplica,
                vec![agent()],
                Some("1 of them are still there"),
            ),
        ];
        for (arrangement, pods, lacking) in cases {
            assert_eq!(unlike(&pods, arrangement).as_deref(), lacking, "{arrangement:?}");
        }
    }
}
