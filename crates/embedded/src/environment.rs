//! The environment without Docker: our receiver, store, query API and intercept proxy in this process, and the three services
//! as child processes that play the cluster's part.

mod accounts;
mod collect;
mod page_server;
mod pod;
mod up;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use testbed::environment::{
    Capability, Collected, Disturbance, Endpoints, Environment, EnvironmentName, InterceptSpec, Missing,
};
use testbed::{BoxError, Explain, ProcessError, Run, StepError};
use trace::ExportAccount;

use crate::otlp::ReceiverError;
use crate::proxy::{ProxyControl, ProxyError};
use crate::store::{Limits, SpanStore};

pub use pod::Pod;

/// The workload that can be intercepted here.
pub const WORKLOAD: &str = "order-service";

/// The three service binaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceBinaries {
    /// `storefront`.
    pub storefront: PathBuf,
    /// `order-service`.
    pub order: PathBuf,
    /// `inventory-service`.
    pub inventory: PathBuf,
}

impl ServiceBinaries {
    fn all(&self) -> [&Path; 3] {
        [&self.storefront, &self.order, &self.inventory]
    }
}

/// What the environment is made of.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The services.
    pub binaries: ServiceBinaries,
    /// What the span store holds at most.
    pub limits: Limits,
}

impl EmbeddedConfig {
    /// These services, and a store with its default limits.
    #[must_use]
    pub fn new(binaries: ServiceBinaries) -> Self {
        Self {
            binaries,
            limits: Limits::default(),
        }
    }
}

/// Why the embedded environment does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The OTLP receiver.
    #[error("the OTLP receiver failed: {0}")]
    Receiver(#[from] ReceiverError),
    /// The intercept proxy.
    #[error("the intercept proxy failed: {0}")]
    Proxy(#[from] ProxyError),
    /// Jaeger's query API can't be served.
    #[error("the query API can't be served")]
    Query(#[source] std::io::Error),
    /// A service process.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A step of the way up.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The client that asks the services who they are can't be made.
    #[error("the HTTP client can't be made")]
    Http(#[from] reqwest::Error),
    /// It was asked before [`Environment::up`].
    #[error("the environment is not up")]
    NotUp,
    /// Only one workload can be intercepted.
    #[error("{workload} can't be intercepted here, only {WORKLOAD}")]
    Workload {
        /// What was asked for.
        workload: String,
    },
}

impl Explain for EmbeddedError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Process(error) => error.hint(),
            Self::Step(error) => error.hint(),
            _ => None,
        }
    }
}

/// What is there once it is up.
#[derive(Debug)]
struct Up {
    store: SpanStore,
    proxy: ProxyControl,
    pods: Vec<Pod>,
    http: reqwest::Client,
}

/// The environment without Docker.
#[derive(Debug)]
pub struct EmbeddedEnvironment {
    config: EmbeddedConfig,
    up: Option<Up>,
}

impl EmbeddedEnvironment {
    /// An environment that is not up yet.
    #[must_use]
    pub const fn new(config: EmbeddedConfig) -> Self {
        Self { config, up: None }
    }

    fn proxy(&self) -> Result<&ProxyControl, EmbeddedError> {
        self.up.as_ref().map(|up| &up.proxy).ok_or(EmbeddedError::NotUp)
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
        match capability {
            Capability::HeaderIntercept | Capability::Disturb => true,
        }
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<Missing>> {
        let mut missing: Vec<Missing> = self
            .config
            .binaries
            .all()
            .into_iter()
            .filter(|binary| !binary.is_file())
            .map(|binary| Missing {
                fact: format!("{} is not there", binary.display()),
                cure: "`cargo build -p storefront -p order-service -p inventory-service`".to_owned(),
            })
            .collect();
        if let Err(error) = std::net::TcpListener::bind(loopback()) {
            missing.push(Missing {
                fact: format!("no port of 127.0.0.1 can be bound: {error}"),
                cure: "bring the loopback interface up: `ip link set lo up`".to_owned(),
            });
        }
        async { missing }.boxed()
    }

    fn up<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<Endpoints, BoxError>> {
        async {
            let (up, endpoints) = up::up(run, &self.config).await?;
            self.up = Some(up);
            Ok(endpoints)
        }
        .boxed()
    }

    fn intercept<'a>(
        &'a mut self,
        _run: &'a Run,
        spec: &'a InterceptSpec,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        async {
            if spec.workload != WORKLOAD {
                return Err(EmbeddedError::Workload {
                    workload: spec.workload.clone(),
                }
                .into());
            }
            self.proxy()?
                .intercept(&spec.selection, spec.target)
                .map_err(EmbeddedError::from)?;
            Ok(())
        }
        .boxed()
    }

    fn leave<'a>(&'a mut self, _run: &'a Run, _workload: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        async {
            self.proxy()?.leave();
            Ok(())
        }
        .boxed()
    }

    fn disturb(&mut self, disturbance: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>> {
        async move {
            self.proxy()?.disturb(disturbance);
            Ok(())
        }
        .boxed()
    }

    fn accounts(&self) -> BoxFuture<'_, Vec<ExportAccount>> {
        async {
            match &self.up {
                Some(up) => accounts::all(&up.http, &up.pods).await,
                None => Vec::new(),
            }
        }
        .boxed()
    }

    fn collect<'a>(&'a self, into: &'a Path) -> BoxFuture<'a, Vec<Collected>> {
        async move {
            match &self.up {
                Some(up) => collect::into(into, &up.store, &up.proxy),
                None => Vec::new(),
            }
        }
        .boxed()
    }
}

const fn loopback() -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}
