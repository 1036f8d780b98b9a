//! The environment itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedded::environment::{Cluster, EmbeddedConfig};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use testbed::environment::nobody;
use testbed::{
    Accountant, BoxError, Capability, Collected, Disturbance, Endpoints, Environment, EnvironmentName,
    InterceptSpec, Missing, Run, StepError,
};
use upstream::Pins;
use upstream::probe;

use crate::config::{self, HEALTH, OTLP_GRPC, OTLP_HTTP, Profile, QUERY};
use crate::container::{self, DockerCommand, Running, Spec};
use crate::engine::{Engine, RUN_LABEL};
use crate::error::ContainersError;
use crate::{evidence, preflight};

/// A container is ready within a second; the limit is for machines that stand still.
const READY: Duration = Duration::from_secs(60);
/// A network is a matter of milliseconds.
const NETWORK: Duration = Duration::from_secs(20);
/// Each of the images has less than 100 MiB.
const PULL: Duration = Duration::from_secs(300);
/// How long a first span may take into Jaeger.
const PROBE: Duration = Duration::from_secs(30);

/// Variables by which Docker's command line finds its Engine.
const DOCKER_VARIABLES: [&str; 7] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "XDG_RUNTIME_DIR",
    "PATH",
];

/// What the environment is made of.
#[derive(Debug, Clone)]
pub struct ContainersConfig {
    /// The services, as in the embedded environment. What it says of the span store is not used: there is none.
    pub services: EmbeddedConfig,
    /// Which images.
    pub pins: Pins,
    /// How the Collector treats spans.
    pub profile: Profile,
    /// Whether images that the local Docker lacks are pulled.
    pub download: bool,
    /// The value of `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// Docker's command line, when it is there.
    docker: Option<DockerCommand>,
}

impl ContainersConfig {
    /// The defaults for these services and pins. `lookup` is asked for `PATH` and the variables that lead to Docker.
    #[must_use]
    pub fn new(services: EmbeddedConfig, pins: Pins, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let docker = which::which_in("docker", lookup("PATH"), "/").ok();
        let text = |name: &str| lookup(name).and_then(|value| value.into_string().ok());
        let env: BTreeMap<String, String> = DOCKER_VARIABLES
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), text(name)?)))
            .collect();
        Self {
            services,
            pins,
            profile: Profile::default(),
            download: false,
            docker_host: text("DOCKER_HOST"),
            docker: docker.map(|program| DockerCommand { program, env }),
        }
    }
}

/// Real Collector and Jaeger in containers, services and intercept as in the embedded environment.
#[derive(Debug)]
pub struct ContainersEnvironment {
    config: ContainersConfig,
    up: Option<Up>,
}

/// What is there once it is up. Whoever ends it is on the run's undo stack.
#[derive(Debug)]
struct Up {
    engine: Engine,
    collector: Running,
    jaeger: Running,
    cluster: Cluster,
    run_dir: PathBuf,
}

impl ContainersEnvironment {
    /// An environment that is not up.
    #[must_use]
    pub fn new(config: ContainersConfig) -> Self {
        Self { config, up: None }
    }

    async fn bring_up(&mut self, run: &Run) -> Result<Endpoints, ContainersError> {
        if self.up.is_some() {
            return Err(ContainersError::AlreadyUp);
        }
        let docker = self.config.docker.as_ref().ok_or(ContainersError::NoDocker)?;
        let engine = Engine::reach()
            .await
            .map_err(|reason| ContainersError::Unreachable { reason })?;
        if self.config.download {
            self.pull(run, &engine).await?;
        }
        let network = format!("throughline-{}", run.id());
        create_network(run, &engine, docker, &network).await?;
        let jaeger_name = format!("{network}-jaeger");
        let jaeger = Spec {
            what: "jaeger",
            name: jaeger_name.clone(),
            network: &network,
            image: &self.config.pins.jaeger,
            config: ("/etc/throughline/config.yaml", config::jaeger()?),
            // Otherwise every question to Jaeger would leave a trace of its own.
            env: &[("OTEL_TRACES_SAMPLER", "always_off")],
            ports: &[QUERY, HEALTH],
            ready: (HEALTH, "/status"),
        };
        let collector = Spec {
            what: "collector",
            name: format!("{network}-collector"),
            network: &network,
            image: &self.config.pins.collector,
            config: (
                "/etc/throughline/config.yaml",
                config::collector(self.config.profile, &jaeger_name)?,
            ),
            env: &[],
            ports: &[OTLP_GRPC, OTLP_HTTP, HEALTH],
            ready: (HEALTH, "/"),
        };
        let (jaeger, collector) = tokio::try_join!(
            ready(run, &engine, docker, jaeger),
            ready(run, &engine, docker, collector)
        )?;
        let (otlp, otlp_http, query) = (
            collector.url(OTLP_GRPC)?,
            collector.url(OTLP_HTTP)?,
            jaeger.url(QUERY)?,
        );
        run.step("a span through the Collector into Jaeger", PROBE, async {
            probe::span_arrives(&otlp_http, &query, &run.deadline(PROBE)).await
        })
        .await?;
        let cluster = Cluster::start(run, &self.config.services, &otlp).await?;
        let endpoints = cluster.endpoints(query, otlp, otlp_http);
        self.up = Some(Up {
            engine,
            collector,
            jaeger,
            cluster,
            run_dir: run.dir().path().to_owned(),
        });
        Ok(endpoints)
    }

    async fn pull(&self, run: &Run, engine: &Engine) -> Result<(), ContainersError> {
        for image in [&self.config.pins.jaeger, &self.config.pins.collector] {
            if !engine.has(image).await? {
                run.step(&format!("pull {image}"), PULL, engine.pull(image))
                    .await?;
            }
        }
        Ok(())
    }

    fn cluster(&self) -> Result<&Cluster, ContainersError> {
        Ok(&self.up.as_ref().ok_or(ContainersError::NotUp)?.cluster)
    }
}

impl Environment for ContainersEnvironment {
    fn name(&self) -> EnvironmentName {
        EnvironmentName::Containers
    }

    fn cannot_prove(&self) -> Option<&'static str> {
        Some("Collector and Jaeger are real; nothing here proves Kubernetes or Telepresence: use --env kind")
    }

    fn can(&self, capability: Capability) -> bool {
        // Jaeger keeps both records of a span, so the process here exports the open one as a child: the scenario knows.
        capability == Capability::OpenSpans || Cluster::can(capability)
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<Missing>> {
        async {
            let mut missing = embedded::environment::missing(&self.config.services.binaries).await;
            missing.extend(preflight::missing(&self.config, self.config.docker.as_ref()).await);
            missing
        }
        .boxed()
    }

    fn up<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<Endpoints, BoxError>> {
        async { Ok(self.bring_up(run).await?) }.boxed()
    }

    fn intercept<'a>(
        &'a mut self,
        _: &'a Run,
        spec: &'a InterceptSpec,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        async { Ok(self.cluster()?.intercept(spec)?) }.boxed()
    }

    fn leave<'a>(&'a mut self, _: &'a Run, workload: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        async { Ok(self.cluster()?.leave(workload)?) }.boxed()
    }

    fn variables<'a>(
        &'a self,
        workload: &'a str,
    ) -> BoxFuture<'a, Result<BTreeMap<String, String>, BoxError>> {
        async { Ok(self.cluster()?.variables(workload)?.clone()) }.boxed()
    }

    fn disturb(&mut self, disturbance: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>> {
        async move {
            self.cluster()?.disturb(disturbance);
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
                Some(up) => {
                    let containers = [up.collector.name.as_str(), up.jaeger.name.as_str()];
                    evidence::collect(&up.engine, &containers, into, &up.run_dir).await
                }
                None => Vec::new(),
            }
        }
        .boxed()
    }
}

/// The network in which the Collector finds Jaeger by its name.
async fn create_network(
    run: &Run,
    engine: &Engine,
    docker: &DockerCommand,
    name: &str,
) -> Result<(), StepError> {
    let label = format!("{RUN_LABEL}={}", run.id());
    run.undo()
        .push(format!("network {name}"), docker.remove_networks(&label));
    let id = run.id().to_string();
    run.step("network", NETWORK, engine.create_network(name, &id))
        .await
}

/// Starts a container as a step of the run.
async fn ready(
    run: &Run,
    engine: &Engine,
    docker: &DockerCommand,
    spec: Spec<'_>,
) -> Result<Running, StepError> {
    let image = spec.image.to_string();
    let step = spec.what;
    let deadline = run.deadline(READY);
    let start = container::start(run, engine, docker, spec, &deadline);
    run.step_showing(step, READY, start, |_| image.clone()).await
}
