//! The traffic manager: its way into a cluster by `telepresence helm install`, and out again.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use k8s_openapi::api::core::v1::ContainerStatus;
use kube::Client;
use kube::api::ListParams;
use testbed::wait::{self, Pace, Probe};
use testbed::{Deadline, Deed, Run, WaitError};

use super::cli::Cli;
use super::world::World;
use super::{Target, TelepresenceError, folder};
use crate::kubernetes::error::{KubernetesError, request};
use crate::kubernetes::nodes::NodeLabel;
use crate::kubernetes::view::{self, PodView};
use crate::reference::ImageRef;
use crate::tool::ToolPath;

/// Where the chart puts it when it is not told otherwise.
pub(crate) const NAMESPACE: &str = "ambassador";
/// The chart's label on it, and on its pods.
pub(crate) const LABEL: &str = "app=traffic-manager";
/// The chart's values in every cluster; a cluster that is kept is used again only with the same. How long it holds the intercept of
/// a client that is silent stays a day (`grpc.connectionTTL`), although it also is how long it holds that of a dead one: a client
/// tells no more often than once a minute that it is there, and then only what its user did last.
pub(crate) const SETTINGS: [&str; 3] = [
    "usage.enabled=false",
    // Shorter than our own limit of an intercept, so that it is Telepresence that says what it waited for.
    "timeouts.agentArrival=25s",
    "image.pullPolicy=IfNotPresent",
];
/// Where its pod serves clients.
const PORT: u16 = 8081;
/// How long installing may take: many times what it takes on two busy processors.
const INSTALL: Duration = Duration::from_secs(130);
/// How long uninstalling may take; five seconds usually.
const UNINSTALL: Duration = Duration::from_secs(60);
/// How often it is looked at: it takes seconds to come up, and every look costs processor time that it could use.
const PACE: Pace = Pace {
    first: Duration::from_millis(100),
    longest: Duration::from_millis(250),
};

/// Whom it serves, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// The whole cluster, from any node.
    Everything,
    /// The whole cluster, from a node with this label.
    EverythingFrom(NodeLabel),
    /// These namespaces, which are there: it looks into no other one, and the API server asks its webhook about pods in these
    /// alone.
    Namespaces(&'static [&'static str]),
}

/// Puts the traffic manager into a cluster and takes it out again.
#[derive(Debug, Clone)]
pub struct Manager {
    tools: ToolPath,
}

impl Manager {
    pub(super) const fn new(tools: ToolPath) -> Self {
        Self { tools }
    }

    /// Installs it. That may go on beside the roll-out: nothing of ours is needed for it but the API server. But its pod has to
    /// reach that by its Service already: a manager that can't ends, the chart is taken back, and Helm waits for minutes for a job
    /// that does so. In a new cluster, where Services are yet to come, its pod is scheduled only to a node with a label, which
    /// the node gets when they are there; Helm's own seconds pass meanwhile.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn install(
        &self,
        run: &Run,
        target: &Target<'_>,
        serves: Serves,
    ) -> Result<(), TelepresenceError> {
        let tool = self.tools.find("telepresence", "intercept a service")?;
        let world = World::make(&folder(run)?, target.kubeconfig)?;
        let values = chart_values(target.image, serves);
        let mut args = vec!["helm", "install"];
        args.extend(values.iter().flat_map(|value| ["--set", value.as_str()]));
        match Cli::new(tool, &world)
            .ask(Some(run), &args, &run.deadline(INSTALL))
            .await
        {
            // A kept cluster has it already.
            Ok(_) | Err(TelepresenceError::ManagerThere { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Waits until its container runs, and answers the address at which it serves in a moment. It is ready some seconds before
    /// Kubernetes, and after that Helm, take notice.
    ///
    /// # Errors
    /// The server refuses, or it does not run before the deadline.
    pub async fn address(&self, client: &Client, deadline: &Deadline) -> Result<SocketAddr, WaitError> {
        let pods = view::pods(client, Some(NAMESPACE));
        let params = ListParams::default().labels(LABEL);
        wait::until_paced(deadline, "the traffic manager", PACE, || async {
            match request("the traffic manager", deadline, pods.list(&params)).await {
                Ok(found) => match found.items.iter().find_map(running) {
                    Some(address) => Probe::Ready(SocketAddr::new(address, PORT)),
                    None => Probe::not_yet("it does not run"),
                },
                Err(error) if error.passes_or_is_absent() => Probe::NotYet(error.to_string()),
                Err(error) => Probe::<_, KubernetesError>::Broken(error),
            }
        })
        .await
    }

    /// What takes it out again, also from another process. Uninstalling what is not there is fine.
    ///
    /// # Errors
    /// The program is missing, or its settings can't be written.
    pub fn uninstallation(&self, run: &Run, target: &Target<'_>) -> Result<Deed, TelepresenceError> {
        let tool = self.tools.find("telepresence", "intercept a service")?;
        let world = World::make(&folder(run)?, target.kubeconfig)?;
        // The chart's hook asks every agent to go, by a further image that has to be pulled. The pods that have one are the
        // run's own, and go with it.
        let args = ["helm", "uninstall", "--no-hooks"];
        Ok(Cli::new(tool, &world).deed(&args, UNINSTALL))
    }
}

/// The chart's values: what every cluster has, and the image.
fn chart_values(image: &ImageRef, serves: Serves) -> Vec<String> {
    let (registry, name) = image.name().rsplit_once('/').unwrap_or(("", image.name()));
    let mut values: Vec<String> = SETTINGS.iter().map(|&setting| setting.to_owned()).collect();
    values.extend([
        format!("image.registry={registry}"),
        format!("image.name={name}"),
        format!("image.tag={}", image.tag()),
    ]);
    match serves {
        Serves::Everything => {}
        // A dot in a key would be read as a step into it.
        Serves::EverythingFrom(NodeLabel { key, value }) => {
            values.push(format!("nodeSelector.{}={value}", key.replace('.', "\\.")));
        }
        Serves::Namespaces(names) => values.push(format!("namespaces={{{}}}", names.join(","))),
    }
    values
}

/// The address of a pod whose containers all run.
fn running(pod: &PodView) -> Option<IpAddr> {
    let status = pod.status.as_ref()?;
    let containers = status.container_statuses.as_ref()?;
    let run = |one: &ContainerStatus| one.state.as_ref().is_some_and(|state| state.running.is_some());
    let all = pod.metadata.deletion_timestamp.is_none() && containers.iter().all(run);
    all.then(|| status.pod_ip.as_ref()?.parse().ok()).flatten()
}
