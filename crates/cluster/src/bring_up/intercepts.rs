//! What intercepts need, beside everything else: the traffic manager, which starts as soon as pods reach the API server, then a
//! connection from this machine, while the services still start.

use std::time::Duration;

use kube::Client;
use testbed::{Endpoints, Run};
use tokio::sync::watch;

use super::images::Loaded;
use super::{Stage, limits, next};
use crate::error::ClusterError;
use crate::kubernetes::nodes::{self, NodeLabel};
use crate::kubernetes::{dns, services};
use crate::probe;
use crate::telepresence::{Serves, Target, Telepresence};

/// The workload that runs intercept.
const INTERCEPTED: &str = "order-service";
/// What the node of a new cluster is labelled with when pods on it reach the API server by its Service.
pub(super) const SERVICES_REACHED: NodeLabel = NodeLabel {
    key: "throughline.dev/services",
    value: "reached",
};
/// How long an order may take on a cluster that nobody has broken.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// Connects this machine to a cluster with a traffic manager, until the cluster's names resolve here.
///
/// # Errors
/// Another connection is in use, this one does not come up, or the names mean something else here.
pub(crate) async fn connect(
    run: &Run,
    telepresence: &mut Telepresence,
    target: &Target<'_>,
    client: &Client,
) -> Result<(), ClusterError> {
    make_connection(run, telepresence, target).await?;
    resolve_names(run, telepresence, client).await
}

async fn make_connection(
    run: &Run,
    telepresence: &mut Telepresence,
    target: &Target<'_>,
) -> Result<(), ClusterError> {
    let connect = telepresence.connect(run, target);
    Ok(run
        .step("telepresence connected", limits::CONNECTING, connect)
        .await?)
}

pub(super) async fn resolve_names(
    run: &Run,
    telepresence: &Telepresence,
    client: &Client,
) -> Result<(), ClusterError> {
    let names = telepresence.resolve_names(run, client);
    run.step_showing(
        "cluster names on the workstation",
        limits::CONNECTING,
        names,
        Clone::clone,
    )
    .await?;
    Ok(())
}

impl Stage<'_> {
    /// Installs the traffic manager when the image is in the node, lets the Deployments begin when it listens, connects this
    /// machine, and waits until the cluster's names resolve here; in a cluster that is kept that is for after the roll-out.
    pub(super) async fn prepare_intercepts(
        &self,
        telepresence: Option<&mut Telepresence>,
        mut loaded_rx: watch::Receiver<Loaded>,
        mut applied_rx: watch::Receiver<Option<Client>>,
        manager_tx: watch::Sender<bool>,
    ) -> Result<(), ClusterError> {
        let Some(telepresence) = telepresence else {
            manager_tx.send_replace(true);
            return Ok(());
        };
        let (run, plan) = (self.run, self.plan);
        let what = "the connection to the cluster";
        let deadline = run.deadline(limits::SERVER + limits::PULL);
        let image = plan.pins.traffic_manager.canonical();
        next(&mut loaded_rx, &deadline, what, |loaded| loaded.contains(&image)).await?;
        // With the first objects: the manager looks after the namespaces that are there, and their services have names.
        let client = next(&mut applied_rx, &deadline, what, Option::is_some).await?;
        let client = client.ok_or(ClusterError::GivenUp { what })?;
        if !self.choice.warm {
            // A pod that finds no node at all is the end of an installation: Telepresence takes the chart back at once. One that
            // finds a node that is not ready, or has no label yet, is waited for.
            nodes::registered(&client, self.node.container(), &deadline).await?;
        }
        let target = Target {
            kubeconfig: &self.choice.kubeconfig,
            image: &plan.pins.traffic_manager,
            locks: &plan.machine_locks,
        };
        let manager = telepresence.manager();
        let serves = if self.choice.warm {
            Serves::Everything
        } else {
            Serves::EverythingFrom(SERVICES_REACHED)
        };
        let install = run.step(
            "traffic manager",
            limits::CONNECTING,
            manager.install(run, &target, serves),
        );
        let connected = async {
            let deadline = run.deadline(limits::CONNECTING);
            let address = manager.address(&client, &deadline).await?;
            self.node.reaches(address, &deadline).await?;
            manager_tx.send_replace(true);
            let connect = make_connection(run, telepresence, &target);
            tokio::try_join!(connect, self.wait_for_dns(&client))?;
            Ok::<_, ClusterError>(())
        };
        tokio::try_join!(async { Ok(install.await?) }, connected)?;
        if self.choice.warm {
            // Pods with an agent may just be replaced. Telepresence asks for names by way of an agent: a question that goes by one
            // that is ending has no answer, and 2.31.2 remembers that for a minute as a name that there is not.
            return Ok(());
        }
        resolve_names(run, telepresence, &client).await
    }

    /// Waits until somebody answers for names: one that is asked for before is remembered as a name that there is not. Services must
    /// be there already: until then it may be somebody beyond the cluster who listens at the same address.
    async fn wait_for_dns(&self, client: &Client) -> Result<(), ClusterError> {
        if self.choice.warm {
            return Ok(());
        }
        let answer = async {
            let deadline = self.run.deadline(limits::CONNECTING);
            let address = services::address(client, dns::NAMESPACE, dns::SERVICE, &deadline).await?;
            Ok::<_, ClusterError>(self.node.reaches((address, dns::PORT).into(), &deadline).await?)
        };
        Ok(self.run.step("cluster DNS", limits::CONNECTING, answer).await?)
    }

    /// On a cluster that others have left: when orders don't come through, ends the intercept that one of them was killed with.
    pub(super) async fn free_from_dead_clients(
        &self,
        telepresence: &mut Telepresence,
        endpoints: &Endpoints,
    ) -> Result<(), ClusterError> {
        let run = self.run;
        let look = run.deadline(FIRST_LOOK);
        if probe::order_goes_through(&endpoints.storefront, &look)
            .await
            .is_ok()
        {
            return Ok(());
        }
        let ended = telepresence.end_of_dead_client(run, INTERCEPTED);
        let show = |ended: &Option<String>| match ended {
            Some(id) => format!("revoked {id}"),
            None => "there was none".to_owned(),
        };
        run.step_showing("a dead client's intercept", limits::CONNECTING, ended, show)
            .await?;
        Ok(())
    }
}
