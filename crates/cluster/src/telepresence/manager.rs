//! The traffic manager: its way into a cluster by `telepresence helm install`, and out again.

use std::time::Duration;

use kube::Client;
use testbed::wait::{self, Pace, Probe};
use testbed::{Deadline, Deed, Run, WaitError};

use super::cli::Cli;
use super::world::World;
use super::{Target, TelepresenceError, folder};
use crate::kubernetes::error::{KubernetesError, request};
use crate::kubernetes::{readiness, view};
use crate::reference::ImageRef;
use crate::tool::ToolPath;

/// Where the chart puts it when it is not told otherwise.
pub(crate) const NAMESPACE: &str = "ambassador";
/// Its Deployment.
const DEPLOYMENT: &str = "traffic-manager";
/// How long installing may take: many times what it takes on two busy processors.
const INSTALL: Duration = Duration::from_secs(130);
/// How long uninstalling may take; five seconds usually.
const UNINSTALL: Duration = Duration::from_secs(60);
/// How often it is looked at: it takes seconds to come up, and every look costs processor time that it could use.
const PACE: Pace = Pace {
    first: Duration::from_millis(100),
    longest: Duration::from_millis(250),
};

/// Puts the traffic manager into a cluster and takes it out again.
#[derive(Debug, Clone)]
pub struct Manager {
    tools: ToolPath,
}

impl Manager {
    pub(super) const fn new(tools: ToolPath) -> Self {
        Self { tools }
    }

    /// Installs it. That may go on beside the roll-out: nothing of ours is needed for it but the API server. But pods have to reach
    /// that by its Service already: a manager that can't ends, the chart is taken back, and Helm waits for minutes for a job that
    /// does so.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn install(&self, run: &Run, target: &Target<'_>) -> Result<(), TelepresenceError> {
        let tool = self.tools.find("telepresence", "intercept a service")?;
        let world = World::make(&folder(run)?, target.kubeconfig)?;
        let values = chart_values(target.image);
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

    /// Waits until it is ready, of which the program that installs it takes notice only every other second.
    ///
    /// # Errors
    /// The server refuses, or it is not ready before the deadline.
    pub async fn ready(&self, client: &Client, deadline: &Deadline) -> Result<(), WaitError> {
        let deployments = view::deployments(client, Some(NAMESPACE));
        wait::until_paced(deadline, "the traffic manager", PACE, || async {
            match request("the traffic manager", deadline, deployments.get(DEPLOYMENT)).await {
                Ok(found) => match readiness::deployment(&found) {
                    None => Probe::Ready(()),
                    Some(obstacle) => Probe::NotYet(obstacle.to_string()),
                },
                Err(error) if error.is_absent() || error.passes() => Probe::NotYet(error.to_string()),
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

/// The chart's values: our image, no usage reports, and a dead client's intercept gone after 30 s instead of a day.
fn chart_values(image: &ImageRef) -> Vec<String> {
    let (registry, name) = image.name().rsplit_once('/').unwrap_or(("", image.name()));
    let mut values = vec![
        "usage.enabled=false".to_owned(),
        "grpc.connectionTTL=30s".to_owned(),
        // Shorter than our own limit of an intercept, so that it is Telepresence that says what it waited for.
        "timeouts.agentArrival=25s".to_owned(),
        "image.pullPolicy=IfNotPresent".to_owned(),
        format!("image.registry={registry}"),
        format!("image.name={name}"),
    ];
    values.push(format!("image.tag={}", image.tag()));
    values
}
