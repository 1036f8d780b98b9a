//! What intercepts need, beside everything else: the traffic manager as soon as pods reach the API server, then a connection
//! from this machine, while the services still start.

use std::time::Duration;

use kube::Client;
use testbed::Endpoints;
use tokio::sync::watch;

use super::images::Loaded;
use super::{Stage, limits, next};
use crate::error::ClusterError;
use crate::kubernetes::services;
use crate::probe;
use crate::telepresence::{Target, Telepresence};

/// The workload that runs intercept.
const INTERCEPTED: &str = "order-service";
/// Where DNS is asked (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;
/// How long an order may take on a cluster that nobody has broken.
const FIRST_LOOK: Duration = Duration::from_secs(3);

impl Stage<'_> {
    /// Installs the traffic manager when pods reach the API server and the image is in the node, lets the Deployments begin when it
    /// listens, connects this machine, and waits until the cluster's names resolve here.
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
        let target = Target {
            kubeconfig: &self.choice.kubeconfig,
            image: &plan.pins.traffic_manager,
            locks: &plan.locks,
        };
        let manager = telepresence.manager();
        let install = run.step(
            "traffic manager",
            limits::CONNECTING,
            manager.install(run, &target),
        );
        let connected = async {
            if let Some(client) = &client {
                let deadline = run.deadline(limits::CONNECTING);
                let address = manager.address(client, &deadline).await?;
                self.node.reaches(address, &deadline).await?;
                manager_tx.send_replace(true);
                if !self.choice.warm {
                    // What is asked before somebody can answer is remembered as a name that there is not.
                    let dns = services::address(client, "kube-system", "kube-dns", &deadline).await?;
                    self.node.reaches((dns, DNS_PORT).into(), &deadline).await?;
                }
            }
            let connect = telepresence.connect(run, &target);
            run.step("telepresence connected", limits::CONNECTING, connect)
                .await?;
            Ok::<_, ClusterError>(())
        };
        tokio::try_join!(async { Ok(install.await?) }, connected)?;
        if let Some(client) = client {
            let names = telepresence.resolve_names(run, &client);
            run.step("cluster names on the workstation", limits::CONNECTING, names)
                .await?;
        }
        Ok(())
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
