//! The environment without Docker: real service processes, everything else inside this process.
//!
//! "Cluster" and "workstation" are roles here, given to processes by variable. Each workload that others call has a
//! Service, which is an [intercept proxy](crate::proxy) with an address that is known before the workload is started;
//! so the processes can start at the same time, and their addresses flow through their Services afterwards.
//!
//! ```text
//! storefront ──► Service order-service ─┬─► order-service@cluster ───────┐
//!                                       └─► (intercepted) workstation ──┐│
//!                                                                       ▼▼
//!                               inventory-service@cluster ◄── Service inventory-service
//! ```

mod account;
mod backend;
mod error;
mod evidence;
mod preflight;
mod roles;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use testbed::environment::nobody;
use testbed::{
    Accountant, BoxError, Capability, Collected, Disturbance, Endpoints, Environment, EnvironmentName,
    InterceptSpec, Missing, Run,
};

pub use error::EmbeddedError;
pub use preflight::missing;
pub use roles::{Cluster, Role};

use crate::store::Limits;
use backend::Backend;

/// A port of the loopback interface that the system picks.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The three service binaries, as cargo builds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceBinaries {
    /// `storefront`.
    pub storefront: PathBuf,
    /// `order-service`.
    pub order: PathBuf,
    /// `inventory-service`.
    pub inventory: PathBuf,
}

/// What an embedded environment is made of.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// What to start.
    pub binaries: ServiceBinaries,
    /// What the span store holds.
    pub limits: Limits,
    /// How long a process may take until it is ready.
    pub start_limit: Duration,
    /// Variables on top of their own for processes in the role of the cluster: workload, name, value. For twins whose
    /// fault is in there.
    pub variables: Vec<(String, String, String)>,
}

impl EmbeddedConfig {
    /// The defaults for these binaries: the store's own limits, 20 s to become ready, no extra variables.
    #[must_use]
    pub fn new(binaries: ServiceBinaries) -> Self {
        Self {
            binaries,
            limits: Limits::default(),
            start_limit: Duration::from_secs(20),
            variables: Vec::new(),
        }
    }
}

/// The environment without Docker.
#[derive(Debug)]
pub struct EmbeddedEnvironment {
    config: EmbeddedConfig,
    up: Option<Up>,
}

/// What is there once it is up. Whoever ends it is on the run's undo stack.
#[derive(Debug)]
struct Up {
    backend: Backend,
    cluster: Cluster,
    run_dir: PathBuf,
}

impl EmbeddedEnvironment {
    /// An environment that is not up.
    #[must_use]
    pub fn new(config: EmbeddedConfig) -> Self {
        Self { config, up: None }
    }

    async fn bring_up(&mut self, run: &Run) -> Result<Endpoints, EmbeddedError> {
        if self.up.is_some() {
            return Err(EmbeddedError::AlreadyUp);
        }
        let backend = Backend::start(run, self.config.limits).await?;
        let cluster = Cluster::start(run, &self.config, &backend.otlp).await?;
        let endpoints = cluster.endpoints(backend.jaeger.clone(), backend.otlp.clone(), backend.otlp.clone());
        self.up = Some(Up {
            backend,
            cluster,
            run_dir: run.dir().path().to_owned(),
        });
        Ok(endpoints)
    }

    fn up_now(&self) -> Result<&Up, EmbeddedError> {
        self.up.as_ref().ok_or(EmbeddedError::NotUp)
    }
}

impl Environment for EmbeddedEnvironment {
    fn name(&self) -> EnvironmentName {
        EnvironmentName::Embedded
    }

    fn cannot_prove(&self) -> Option<&'static str> {
        Some("nothing here proves Kubernetes or Telepresence: use --env kind")
    }

    fn can(&self, capability: Capability) -> bool {
        // The store is ours: the finished span takes the open one's place.
        capability == Capability::OpenSpans || Cluster::can(capability)
    }

    fn visible_within(&self) -> Duration {
        // Our receiver acknowledges what can be read.
        Duration::ZERO
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<Missing>> {
        missing(&self.config.binaries).boxed()
    }

    fn up<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<Endpoints, BoxError>> {
        async { Ok(self.bring_up(run).await?) }.boxed()
    }

    fn intercept<'a>(
        &'a mut self,
        _: &'a Run,
        spec: &'a InterceptSpec,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        async { Ok(self.up_now()?.cluster.intercept(spec)?) }.boxed()
    }

    fn leave<'a>(&'a mut self, _: &'a Run, workload: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        async { Ok(self.up_now()?.cluster.leave(workload)?) }.boxed()
    }

    fn variables<'a>(
        &'a self,
        workload: &'a str,
    ) -> BoxFuture<'a, Result<BTreeMap<String, String>, BoxError>> {
        async { Ok(self.up_now()?.cluster.variables(workload)?.clone()) }.boxed()
    }

    fn disturb(&mut self, disturbance: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>> {
        async move {
            self.up_now()?.cluster.disturb(disturbance);
            Ok(())
        }
        .boxed()
    }

    fn accountant(&self) -> Accountant {
        self.up.as_ref().map_or_else(nobody, |up| up.cluster.accountant())
    }

    fn collect<'a>(&'a self, into: &'a Path) -> BoxFuture<'a, Vec<Collected>> {
        async move {
            match &self.up {
                Some(up) => evidence::collect(up, into).await,
                None => Vec::new(),
            }
        }
        .boxed()
    }
}
