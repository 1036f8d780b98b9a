//! Waiting for workloads by watching them: told the moment each is available, and at once when one never will be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use testbed::Deadline;

use super::error::KubernetesError;
use super::readiness::{self, Obstacle};
use super::unavailable::{RolloutError, Trouble, Workload};
use super::view::{self, DeploymentView, PodView};
use super::{events, logs};
use crate::manifest::{self, NAME_LABEL};

/// By which Kubernetes tells the pods of a Deployment's templates apart.
const TEMPLATE_LABEL: &str = "pod-template-hash";
/// How long looking for the reason may take after the time was up.
const REPORT: Duration = Duration::from_secs(5);

/// Waits until all of these workloads, labelled with this run, are available. `became` is told of each one, once.
///
/// # Errors
/// One of them never will be, or not all are before the deadline; with what is in the way.
pub async fn available(
    client: &Client,
    run: &str,
    workloads: &[Workload],
    deadline: &Deadline,
    mut became: impl FnMut(&Workload),
) -> Result<(), KubernetesError> {
    let begun = Instant::now();
    let labelled = watcher::Config::default().labels(&manifest::of_run(run));
    let deployments = watcher(view::deployments(client, None), labelled.clone()).default_backoff();
    let pods = watcher(view::pods(client, None), labelled).default_backoff();
    let changes = stream::select(
        deployments.map(|event| Change::Deployment(Box::new(event))),
        pods.map(|event| Change::Pod(Box::new(event))),
    );
    let mut changes = Box::pin(changes);
    let mut seen = Seen::default();
    let mut waiting = workloads.to_vec();
    loop {
        let change = deadline.bound(changes.next()).await;
        if let Ok(Some(change)) = &change {
            seen.take(change);
        }
        waiting.retain(|workload| {
            let ready = seen.is_available(workload);
            if ready {
                became(workload);
            }
            !ready
        });
        if waiting.is_empty() {
            return Ok(());
        }
        let troubles: Vec<Trouble> = waiting.iter().map(|workload| seen.trouble(workload)).collect();
        if !matches!(change, Ok(Some(_))) || troubles.iter().any(Trouble::stays) {
            let error = RolloutError {
                waited: begun.elapsed(),
                troubles,
            };
            return Err(explained(client, &seen, error).await.into());
        }
    }
}

enum Change {
    Deployment(Box<watcher::Result<Event<DeploymentView>>>),
    Pod(Box<watcher::Result<Event<PodView>>>),
}

/// The state of the cluster as far as it was told to us.
#[derive(Debug, Default)]
struct Seen {
    deployments: BTreeMap<Workload, DeploymentView>,
    pods: BTreeMap<(String, String), PodView>,
    /// Why nothing is heard.
    silence: Option<String>,
}

impl Seen {
    fn take(&mut self, change: &Change) {
        let failure = match change {
            Change::Deployment(event) => match &**event {
                Ok(event) => return self.take_deployment(event),
                Err(error) => error,
            },
            Change::Pod(event) => match &**event {
                Ok(event) => return self.take_pod(event),
                Err(error) => error,
            },
        };
        // The watch goes on by itself.
        self.silence = Some(testbed::explain::chain(failure));
    }

    fn take_deployment(&mut self, event: &Event<DeploymentView>) {
        self.silence = None;
        let key = |deployment: &DeploymentView| {
            Workload::new(deployment.namespace().unwrap_or_default(), deployment.name_any())
        };
        match event {
            Event::Apply(deployment) | Event::InitApply(deployment) => {
                self.deployments.insert(key(deployment), deployment.clone());
            }
            Event::Delete(deployment) => {
                self.deployments.remove(&key(deployment));
            }
            Event::Init => self.deployments.clear(),
            Event::InitDone => {}
        }
    }

    fn take_pod(&mut self, event: &Event<PodView>) {
        self.silence = None;
        let key = |pod: &PodView| (pod.namespace().unwrap_or_default(), pod.name_any());
        match event {
            Event::Apply(pod) | Event::InitApply(pod) => {
                self.pods.insert(key(pod), pod.clone());
            }
            Event::Delete(pod) => {
                self.pods.remove(&key(pod));
            }
            Event::Init => self.pods.clear(),
            Event::InitDone => {}
        }
    }

    fn is_available(&self, workload: &Workload) -> bool {
        self.deployments
            .get(workload)
            .is_some_and(|deployment| readiness::deployment(deployment).is_none())
    }

    /// The pods of the workload's current template. One from before stays until a new one is available: what is wrong with it may be
    /// what the roll-out mends.
    fn pods_of(&self, workload: &Workload) -> Vec<&PodView> {
        let current = self
            .deployments
            .get(workload)
            .is_some_and(readiness::has_current_pods);
        let of_the_workload = |pod: &&PodView| {
            pod.namespace().as_deref() == Some(&workload.namespace)
                && pod.labels().get(NAME_LABEL) == Some(&workload.name)
                && pod.metadata.deletion_timestamp.is_none()
        };
        let mut pods: Vec<&PodView> = self.pods.values().filter(of_the_workload).collect();
        let template = |pod: &PodView| pod.labels().get(TEMPLATE_LABEL).cloned();
        let newest = pods.iter().max_by_key(|pod| pod.creation_timestamp()).copied();
        let newest = newest.and_then(template);
        pods.retain(|pod| current && template(pod) == newest);
        pods
    }

    fn trouble(&self, workload: &Workload) -> Trouble {
        let pods = self.pods_of(workload).into_iter();
        let mut obstacles: Vec<Obstacle> = pods.flat_map(readiness::pod).collect();
        match self.deployments.get(workload) {
            Some(deployment) => obstacles.extend(readiness::deployment(deployment)),
            None => obstacles.push(Obstacle {
                fact: self
                    .silence
                    .clone()
                    .unwrap_or_else(|| "there is no such Deployment of this run".into()),
                stays: false,
                hint: None,
            }),
        }
        obstacles.sort_by_key(|obstacle| !obstacle.stays);
        Trouble {
            workload: workload.clone(),
            obstacles,
            warnings: Vec::new(),
            log: Vec::new(),
        }
    }
}

/// Adds what only events and logs know, such as why a probe fails.
async fn explained(client: &Client, seen: &Seen, mut error: RolloutError) -> RolloutError {
    let deadline = Deadline::after(REPORT);
    for trouble in &mut error.troubles {
        for pod in seen.pods_of(&trouble.workload.clone()) {
            // What can't be had now is left out: the error is about the roll-out.
            let warnings = events::warnings(client, pod, &deadline).await.unwrap_or_default();
            trouble.add_warnings(warnings);
            trouble
                .log
                .extend(logs::last_words(client, pod, &deadline).await.unwrap_or_default());
        }
    }
    error
}

#[cfg(test)]
mod tests;
