//! The objects' way into the API server: as soon as it answers, which is long before kind is done; a Deployment as soon
//! as its image is in the node, so that the kubelet never looks for it in vain and waits to look again, and when the traffic
//! manager is there, which comes first.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use futures_util::future::try_join_all;
use kube::Client;
use testbed::wait::{self, Pace, Probe};
use testbed::{Deadline, Endpoints};
use tokio::sync::watch;

use super::images::{Loaded, Packed};
use super::intercepts::SERVICES_REACHED;
use super::{Stage, limits, next, tell, workloads};
use crate::docker::DockerError;
use crate::error::ClusterError;
use crate::kind_config::{JAEGER_PORT, OTLP_HTTP_PORT, STOREFRONT_PORT};
use crate::kubernetes::apply::apply;
use crate::kubernetes::unavailable::Workload;
use crate::kubernetes::{client, dns, nodes, pods, rollout, services};
use crate::manifest::{self, APPLICATION, Object, Rendering};
use crate::reference::ImageRef;

/// The port of the API server in the node.
const SERVER_PORT: u16 = 6443;
/// How often Docker is asked for the node's ports before there is a node.
const PACE: Pace = Pace {
    first: std::time::Duration::from_millis(100),
    longest: std::time::Duration::from_millis(250),
};

/// Where things answer, given where these three do.
pub(crate) fn endpoints(storefront: String, jaeger: String, otlp_http: String) -> Endpoints {
    Endpoints {
        storefront,
        jaeger,
        otlp_http,
        // The names that the walkthrough uses; a connection of Telepresence makes them resolve here.
        workstation_otlp: "http://otel-collector.observability.svc.cluster.local:4317".into(),
        workstation_inventory: "http://inventory-service:8080".into(),
        workstation_order: "http://order-service:8080".into(),
        workstation_listen: (Ipv4Addr::LOCALHOST, 0).into(),
    }
}

impl Stage<'_> {
    /// Applies everything and waits until all Deployments are available.
    pub(super) async fn roll_out(
        &self,
        mut packed_rx: watch::Receiver<Packed>,
        loaded_rx: watch::Receiver<Loaded>,
        applied_tx: watch::Sender<Option<Client>>,
        manager_rx: watch::Receiver<bool>,
    ) -> Result<(Client, Endpoints, Vec<Object>), ClusterError> {
        let run = self.run;
        let reach = self.reach(run.deadline(limits::SERVER));
        let client = run
            .step("API server", limits::SERVER + limits::EXPLANATION, reach)
            .await?;
        if self.choice.warm {
            // The namespaces are there, so the connection need not wait for the services' images.
            applied_tx.send_replace(Some(client.clone()));
        }
        let packed = next(
            &mut packed_rx,
            &run.deadline(limits::BUILD),
            "applying manifests",
            Option::is_some,
        )
        .await?;
        let services = packed
            .iter()
            .flat_map(|images| images.iter())
            .map(|image| image.reference());
        let objects = manifest::render(&self.rendering(services))?;
        let (deployments, others): (Vec<Object>, Vec<Object>) = objects
            .iter()
            .cloned()
            .partition(|object| object.kind() == "Deployment");
        let applying = async {
            let deadline = run.deadline(limits::APPLY + limits::PULL);
            apply(&client, &others, &deadline).await?;
            applied_tx.send_replace(Some(client.clone()));
            let network =
                async { tokio::try_join!(self.hold_dns_back(&client), self.reach_services(&client)) };
            let mut each = Vec::with_capacity(deployments.len());
            for deployment in &deployments {
                let (loaded, manager) = (loaded_rx.clone(), manager_rx.clone());
                each.push(self.apply_when_it_can_start(&client, deployment, loaded, manager, &deadline));
            }
            tokio::try_join!(network, try_join_all(each))
        };
        run.step(
            "manifests",
            limits::APPLY + limits::PULL + limits::EXPLANATION,
            applying,
        )
        .await?;
        let begun = Instant::now();
        let deadline = run.deadline(limits::ROLLOUT);
        let workloads = workloads();
        let became = |workload: &Workload| tell(run, format!("{} available", workload.name), begun.elapsed());
        let label = &self.choice.label;
        let watch = async {
            rollout::available(&client, label, &workloads, &deadline, became).await?;
            if self.choice.warm && self.plan.telepresence {
                // Pods that were replaced are asked nothing more, and neither are the agents in them.
                pods::until_none_ends(&client, APPLICATION, label, &deadline).await?;
            }
            Ok::<_, ClusterError>(())
        };
        run.step("roll-out", limits::ROLLOUT + limits::EXPLANATION, watch)
            .await?;
        Ok((client, self.endpoints(&deadline).await?, objects))
    }

    /// Sees to it that pods reach the API server and that the kubelet starts them, and says so on the node. Whoever needs the server
    /// and starts before that ends, and Kubernetes lets ten seconds pass before it starts that for the third time; and a traffic
    /// manager that the kubelet can't start yet is taken back.
    async fn reach_services(&self, client: &Client) -> Result<(), ClusterError> {
        if self.choice.warm {
            return Ok(());
        }
        let (run, node) = (self.run, self.node);
        let reach = async {
            let deadline = run.deadline(limits::SERVER);
            let address = services::address(client, "default", "kubernetes", &deadline).await?;
            tokio::try_join!(
                node.lead_to_the_api_server(address, &deadline),
                node.knows_services(&deadline)
            )?;
            nodes::label(client, node.container(), SERVICES_REACHED, &deadline).await?;
            Ok::<_, ClusterError>(())
        };
        let limit = limits::SERVER + limits::EXPLANATION;
        Ok(run.step("Services in the node", limit, reach).await?)
    }

    /// Lets the cluster's DNS begin when pods reach the API server.
    async fn hold_dns_back(&self, client: &Client) -> Result<(), ClusterError> {
        if self.choice.warm {
            return Ok(());
        }
        let deadline = self.run.deadline(limits::SERVER);
        Ok(dns::begin_on(client, SERVICES_REACHED, &deadline).await?)
    }

    /// Applies a Deployment once its image is in the node and the traffic manager listens, which needs the API server as the
    /// Collector does: it is reached by then.
    async fn apply_when_it_can_start(
        &self,
        client: &Client,
        deployment: &Object,
        mut loaded_rx: watch::Receiver<Loaded>,
        mut manager_rx: watch::Receiver<bool>,
        deadline: &Deadline,
    ) -> Result<(), ClusterError> {
        let images: Vec<String> = deployment
            .images()
            .into_iter()
            .filter_map(|image| Some(image.parse::<ImageRef>().ok()?.canonical()))
            .collect();
        let there = |loaded: &Loaded| images.iter().all(|image| loaded.contains(image));
        next(&mut loaded_rx, deadline, "waiting for an image", there).await?;
        next(
            &mut manager_rx,
            deadline,
            "waiting for the traffic manager",
            |there| *there,
        )
        .await?;
        apply(client, std::slice::from_ref(deployment), deadline).await?;
        Ok(())
    }

    /// A client for the cluster, and the kubeconfig for whoever else needs one, as soon as the server answers.
    async fn reach(&self, deadline: Deadline) -> Result<Client, ClusterError> {
        let kubeconfig = &self.choice.kubeconfig;
        let found = self.node.kubeconfig(&deadline).await?;
        let server = self.published(SERVER_PORT, &deadline).await?;
        let text = client::for_this_machine(&found, &self.choice.name, server)
            .map_err(|reason| ClusterError::Credentials { reason })?;
        let path = kubeconfig.display().to_string();
        client::write_private(kubeconfig, &text)
            .map_err(|source| ClusterError::Write { what: path, source })?;
        let client = client::connect(kubeconfig, None).await?;
        client::answers(&client, &deadline).await?;
        Ok(client)
    }

    async fn published(&self, port: u16, deadline: &Deadline) -> Result<SocketAddr, ClusterError> {
        let address = wait::until_paced(deadline, "a published port of the node", PACE, || async {
            match self.docker.published(self.node.container(), port, deadline).await {
                Ok(address) => Probe::Ready(address),
                Err(error @ DockerError::Unreachable { .. }) => Probe::Broken(error),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        });
        let mut address = address.await?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Ok(address)
    }

    async fn endpoints(&self, deadline: &Deadline) -> Result<Endpoints, ClusterError> {
        let (storefront, jaeger, otlp) = tokio::try_join!(
            self.published(STOREFRONT_PORT, deadline),
            self.published(JAEGER_PORT, deadline),
            self.published(OTLP_HTTP_PORT, deadline),
        )?;
        let url = |address: SocketAddr| format!("http://{address}");
        Ok(endpoints(url(storefront), url(jaeger), url(otlp)))
    }

    fn rendering<'a>(&self, services: impl Iterator<Item = &'a ImageRef>) -> Rendering {
        let upstream = [
            (manifest::JAEGER_REPOSITORY.to_owned(), &self.plan.pins.jaeger),
            (
                manifest::COLLECTOR_REPOSITORY.to_owned(),
                &self.plan.pins.collector,
            ),
        ];
        let upstream = upstream
            .into_iter()
            .map(|(repository, image)| (repository, image.tagged()));
        let services = services.map(|image| (image.name().to_owned(), image.tagged()));
        let images: BTreeMap<String, String> = upstream.chain(services).collect();
        Rendering {
            run: self.choice.label.clone(),
            images,
            profile: self.plan.profile,
        }
    }
}
