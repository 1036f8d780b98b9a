//! The processes in the role of the cluster, and the Services in front of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use testbed::wait::{self, Probe};
use testbed::{
    Accountant, BoxError, Capability, Disturbance, Endpoints, InterceptSpec, Process, ProcessError,
    ProcessSpec, Run, StepError,
};
use trace::{At, Site, names};

use super::account;
use super::backend::end;
use super::{EmbeddedConfig, EmbeddedError, LOOPBACK};
use crate::proxy::{InterceptProxy, ProxyConfig, ProxyControl};

/// A Service is a matter of milliseconds; the limit is for machines that stand still.
const SERVICE_LIMIT: Duration = Duration::from_secs(5);
/// How long a process that listens may take to answer one question about its readiness.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// Milliseconds between exports. The default of five seconds would be most of what a scenario waits for.
const SCHEDULE_DELAY: &str = "10";

/// One of the workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes orders from outside; nobody inside the cluster calls it.
    Storefront,
    /// The one that is intercepted.
    Order,
    /// What the order asks for.
    Inventory,
}

impl Role {
    /// The workload's name, which is also its `service.name`.
    const fn workload(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::Order => "order-service",
            Self::Inventory => "inventory-service",
        }
    }
}

/// The cluster, as far as scenarios know it: three processes, and the Services in front of them. It ends with the run.
#[derive(Debug)]
pub struct Cluster {
    storefront: Pod,
    order: Pod,
    inventory: Pod,
    order_service: ProxyControl,
    inventory_service: ProxyControl,
    http: reqwest::Client,
}

/// A process that is ready.
#[derive(Debug)]
struct Pod {
    address: std::net::SocketAddr,
    url: String,
    /// What it was told.
    variables: BTreeMap<String, String>,
}

impl Cluster {
    /// Starts the Services, and then all processes at the same time: each is told addresses of Services only, and to export
    /// to `otlp`.
    ///
    /// # Errors
    /// One of them did not start.
    pub async fn start(run: &Run, config: &EmbeddedConfig, otlp: &str) -> Result<Self, EmbeddedError> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let (order_service, inventory_service) =
            tokio::try_join!(service(run, Role::Order), service(run, Role::Inventory))?;
        let starter = Starter {
            run,
            config,
            otlp,
            http: &http,
        };
        let order_url = [("ORDER_URL", order_service.url())];
        let inventory_url = [("INVENTORY_URL", inventory_service.url())];
        let (storefront, order, inventory) = tokio::try_join!(
            starter.pod(Role::Storefront, &order_url),
            starter.pod(Role::Order, &inventory_url),
            starter.pod(Role::Inventory, &[]),
        )?;
        order_service.set_pod(Some(order.address))?;
        inventory_service.set_pod(Some(inventory.address))?;
        Ok(Self {
            storefront,
            order,
            inventory,
            order_service,
            inventory_service,
            http,
        })
    }

    /// What an environment of this kind can do: the capabilities of proxies and processes, not of a cluster.
    #[must_use]
    pub const fn can(capability: Capability) -> bool {
        match capability {
            Capability::HeaderIntercept
            | Capability::Disturb
            | Capability::Debugger
            | Capability::AttachDebugger => true,
            Capability::Connection
            | Capability::Arrange
            | Capability::Mishaps
            | Capability::StickyConnections
            | Capability::OpenSpans
            | Capability::ConnectionPerCaller => false,
        }
    }

    /// Where scenarios find everything, with a Collector and a Jaeger at these base URLs.
    #[must_use]
    pub fn endpoints(&self, jaeger: String, otlp_grpc: String, otlp_http: String) -> Endpoints {
        Endpoints {
            storefront: self.url(Role::Storefront),
            jaeger,
            otlp_http,
            workstation_otlp: otlp_grpc,
            workstation_inventory: self.url(Role::Inventory),
            workstation_order: self.url(Role::Order),
            workstation_listen: LOOPBACK,
        }
    }

    /// Lets the Service of a workload send its requests to the workstation.
    ///
    /// # Errors
    /// There is no such workload, or its Service refuses.
    pub fn intercept(&self, spec: &InterceptSpec) -> Result<(), EmbeddedError> {
        Ok(self
            .service(&spec.workload)?
            .intercept(&spec.selection, spec.target)?)
    }

    /// Lets the Service of a workload send its requests to the cluster again.
    ///
    /// # Errors
    /// There is no such workload.
    pub fn leave(&self, workload: &str) -> Result<(), EmbeddedError> {
        self.service(workload)?.leave();
        Ok(())
    }

    /// Breaks the way through the Services on purpose, or mends it with `None`.
    pub fn disturb(&self, disturbance: Option<Disturbance>) {
        let services = self.named_services();
        services
            .iter()
            .for_each(|(_, service)| service.disturb(disturbance));
    }

    /// Whoever asks the processes what they say of their spans.
    #[must_use]
    pub fn accountant(&self) -> Accountant {
        let (http, pods) = (&self.http, [&self.storefront, &self.order, &self.inventory]);
        let asked = pods.map(|pod| (http.clone(), pod.url.clone()));
        Arc::new(move |tell| {
            let asked = asked.clone();
            Box::pin(async move {
                let asked = asked.iter().map(|(http, url)| account::ask(http, url, tell));
                join_all(asked).await.into_iter().flatten().collect()
            })
        })
    }

    /// Where callers reach a workload.
    #[must_use]
    pub fn url(&self, role: Role) -> String {
        match role {
            // Nobody inside the cluster calls it, so there is no Service between the caller and it.
            Role::Storefront => self.storefront.url.clone(),
            Role::Order => self.order_service.url(),
            Role::Inventory => self.inventory_service.url(),
        }
    }

    /// The Service of a workload.
    fn service(&self, workload: &str) -> Result<&ProxyControl, EmbeddedError> {
        let services = self.named_services();
        let known = || services.iter().map(|(name, _)| (*name).to_owned()).collect();
        services
            .iter()
            .find(|(name, _)| *name == workload)
            .map(|(_, service)| *service)
            .ok_or_else(|| EmbeddedError::UnknownWorkload {
                workload: workload.to_owned(),
                known: known(),
            })
    }

    /// What the process of a workload that has a Service was told.
    ///
    /// # Errors
    /// There is no such workload.
    pub fn variables(&self, workload: &str) -> Result<&BTreeMap<String, String>, EmbeddedError> {
        self.service(workload)?;
        let pod = if workload == Role::Order.workload() {
            &self.order
        } else {
            &self.inventory
        };
        Ok(&pod.variables)
    }

    /// The workloads that have a Service, with it.
    pub(super) fn named_services(&self) -> [(&'static str, &ProxyControl); 2] {
        [
            (Role::Order.workload(), &self.order_service),
            (Role::Inventory.workload(), &self.inventory_service),
        ]
    }
}

/// Starts the Service of a workload that is not there yet.
async fn service(run: &Run, role: Role) -> Result<ProxyControl, StepError> {
    let name = format!("Service {}", role.workload());
    let undo_name = name.clone();
    let start = async move {
        let proxy = InterceptProxy::bind(LOOPBACK, ProxyConfig::new(role.workload()))
            .await?
            .serve();
        let control = proxy.control();
        // Nothing is awaited between its start and this.
        run.undo()
            .push_in_process(undo_name, || end(async { Ok(proxy.shutdown().await?) }));
        Ok::<_, EmbeddedError>(control)
    };
    let show = ProxyControl::url;
    run.step_showing(&name, SERVICE_LIMIT, start, show).await
}

struct Starter<'a> {
    run: &'a Run,
    config: &'a EmbeddedConfig,
    otlp: &'a str,
    http: &'a reqwest::Client,
}

impl Starter<'_> {
    /// Starts a process and waits until it is ready.
    async fn pod(&self, role: Role, told: &[(&str, String)]) -> Result<Pod, StepError> {
        let name = At::cluster(role.workload()).to_string();
        let variables = self.variables(role, told);
        let spec = ProcessSpec::new(&name, self.binary(role)).envs(variables.clone());
        let limit = self.config.start_limit;
        let start = async {
            let process = self.run.supervise(spec)?;
            let deadline = self.run.deadline(limit);
            let announced = process.line(&deadline, |line| {
                line.strip_prefix("listening http://")?.parse().ok()
            });
            let address = announced.await?;
            let url = format!("http://{address}");
            let ready = || self.look(&process, &url);
            wait::until(&deadline, "readiness", ready).await?;
            Ok::<_, BoxError>(Pod {
                address,
                url,
                variables,
            })
        };
        self.run
            .step_showing(&name, limit, start, |pod: &Pod| pod.url.clone())
            .await
    }

    fn binary(&self, role: Role) -> &std::path::Path {
        let binaries = &self.config.binaries;
        match role {
            Role::Storefront => &binaries.storefront,
            Role::Order => &binaries.order,
            Role::Inventory => &binaries.inventory,
        }
    }

    fn variables(&self, role: Role, told: &[(&str, String)]) -> BTreeMap<String, String> {
        // Its name and version, the process knows best; it adds today's name for the deployment environment.
        let resource = format!("{}={}", names::DEPLOYMENT_ENVIRONMENT, self.run.environment());
        let own = [
            ("THROUGHLINE_LISTEN", LOOPBACK.to_string()),
            ("THROUGHLINE_SITE", Site::Cluster.to_string()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.otlp.to_owned()),
            ("OTEL_RESOURCE_ATTRIBUTES", resource),
            ("OTEL_BSP_SCHEDULE_DELAY", SCHEDULE_DELAY.to_owned()),
        ];
        let extra = self
            .config
            .variables
            .iter()
            .filter(|(workload, ..)| workload == role.workload());
        let own = own.into_iter().chain(told.iter().cloned());
        own.map(|(name, value)| (name.to_owned(), value))
            .chain(extra.map(|(_, name, value)| (name.clone(), value.clone())))
            .collect()
    }

    async fn look(&self, process: &Process, url: &str) -> Probe<(), BoxError> {
        if let Some(exit) = process.exited() {
            return Probe::Broken(
                ProcessError::Died {
                    name: process.name().to_owned(),
                    exit,
                    tail: process.tail(),
                    log: process.log().to_owned(),
                }
                .into(),
            );
        }
        let asked = self.http.get(format!("{url}/readyz")).timeout(ANSWER_LIMIT);
        match asked.send().await {
            Ok(answer) if answer.status() == 200 => Probe::Ready(()),
            Ok(answer) => Probe::not_yet(format!("/readyz answered {}", answer.status())),
            Err(error) => Probe::not_yet(testbed::explain::chain(&error)),
        }
    }
}
