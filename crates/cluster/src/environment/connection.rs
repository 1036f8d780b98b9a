//! The workstation's connection to the cluster, as a scenario makes and ends it: the walkthrough's `helm install`, `connect`,
//! `list` and `quit`.

use std::time::Duration;

use testbed::Run;

use super::KindEnvironment;
use crate::bring_up::{self, limits};
use crate::error::ClusterError;
use crate::telepresence::{Serves, Target};

/// How long ending the connection, or a question to its daemon, may take; usually a fifth of a second.
const DAEMON: Duration = Duration::from_secs(30);

impl KindEnvironment {
    /// `telepresence helm install` and `connect`, until the names resolve. Each tolerates that it was done before; the first was when
    /// the environment was brought up, so that the second need not wait for it to say so.
    pub(super) async fn make_connection(&mut self, run: &Run) -> Result<(), ClusterError> {
        let (Some(telepresence), Some(up), Some(begun)) = (&mut self.telepresence, &self.up, &self.begun)
        else {
            return Err(ClusterError::NoIntercepts);
        };
        let target = Target {
            kubeconfig: &begun.choice.kubeconfig,
            image: &self.options.plan.pins.traffic_manager,
            locks: &self.options.plan.machine_locks,
        };
        let manager = telepresence.manager();
        let installed = run.step(
            "traffic manager",
            limits::CONNECTING,
            manager.install(run, &target, Serves::Everything),
        );
        let connected = bring_up::connect(run, telepresence, &target, &up.client);
        tokio::try_join!(async { Ok(installed.await?) }, connected)?;
        Ok(())
    }

    /// `telepresence quit -s`.
    pub(super) async fn end_connection(&mut self, run: &Run) -> Result<(), ClusterError> {
        let Some(telepresence) = &mut self.telepresence else {
            return Err(ClusterError::NoIntercepts);
        };
        run.step("telepresence quit", DAEMON, telepresence.disconnect(run))
            .await?;
        Ok(())
    }

    /// `telepresence list`.
    pub(super) async fn list(&mut self, run: &Run) -> Result<Vec<String>, ClusterError> {
        let Some(telepresence) = &self.telepresence else {
            return Err(ClusterError::NoIntercepts);
        };
        Ok(run
            .step("telepresence list", DAEMON, telepresence.list(run))
            .await?)
    }
}
