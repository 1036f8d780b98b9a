//! One container from its place on the undo stack to its readiness.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt as _;
use testbed::wait::{self, Probe};
use testbed::{BoxError, Deadline, Deed, Run};
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::{ContainerPort, IntoContainerPort as _};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};
use upstream::reference::ImageRef;

use crate::engine::{Engine, RUN_LABEL, State};
use crate::error::ContainersError;

/// How long removing a container or a network may take: they are killed, not asked.
const REMOVE: Duration = Duration::from_secs(20);
/// How long a container may take to answer one question about its readiness.
const ANSWER: Duration = Duration::from_secs(2);
/// The last words of a container that ended.
const LAST_WORDS: u32 = 20;

/// How Docker's command line is run to undo, also by another process after this one was killed.
#[derive(Debug, Clone)]
pub(crate) struct DockerCommand {
    /// The program.
    pub(crate) program: PathBuf,
    /// The variables that say which Docker it talks to.
    pub(crate) env: BTreeMap<String, String>,
}

/// What is run.
#[derive(Debug)]
pub(crate) struct Spec<'a> {
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// The container's name.
    pub(crate) name: String,
    /// The network that it is reached in by that name.
    pub(crate) network: &'a str,
    pub(crate) image: &'a ImageRef,
    /// Where its configuration is put, and the configuration.
    pub(crate) config: (&'static str, String),
    pub(crate) env: &'a [(&'static str, &'static str)],
    /// Ports that are published on 127.0.0.1.
    pub(crate) ports: &'a [u16],
    /// Where it answers 200 when it is ready: a port of those, and a path.
    pub(crate) ready: (u16, &'static str),
}

/// A container that is ready.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    /// Its name.
    pub(crate) name: String,
    ports: HashMap<u16, u16>,
}

impl Running {
    /// The base URL of one of its ports.
    pub(crate) fn url(&self, port: u16) -> Result<String, ContainersError> {
        match self.ports.get(&port) {
            Some(port) => Ok(format!("http://127.0.0.1:{port}")),
            None => Err(ContainersError::NotPublished {
                container: self.name.clone(),
                port,
            }),
        }
    }
}

impl DockerCommand {
    /// The deed that runs it with these arguments.
    pub(crate) fn deed<const N: usize>(&self, args: [&str; N]) -> Deed {
        Deed::Command {
            program: self.program.clone(),
            args: args.map(str::to_owned).into(),
            env: self.env.clone(),
            limit: REMOVE,
        }
    }

    /// The deed that removes the networks with this label, if there are any. Docker removes by label with `network prune`, but
    /// refuses that while anybody on the machine prunes; and to remove by name what is not there is an error.
    pub(crate) fn remove_networks(&self, label: &str) -> Deed {
        const REMOVE_BY_LABEL: &str = r#"
found() { "$0" network ls --quiet --filter "label=$1"; }
ids=$(found "$1") || exit
[ -z "$ids" ] || "$0" network rm $ids || [ -z "$(found "$1")" ]
"#;
        let docker = self.program.to_string_lossy().into_owned();
        Deed::Command {
            program: "/bin/sh".into(),
            args: vec![
                "-c".to_owned(),
                REMOVE_BY_LABEL.to_owned(),
                docker,
                label.to_owned(),
            ],
            env: self.env.clone(),
            limit: REMOVE,
        }
    }
}

/// Runs a container and waits until it is ready.
pub(crate) async fn start(
    run: &Run,
    engine: &Engine,
    docker: &DockerCommand,
    spec: Spec<'_>,
    deadline: &Deadline,
) -> Result<Running, ContainersError> {
    let (name, ports, ready) = (spec.name.clone(), spec.ports, spec.ready);
    // By name, which is ours alone since the run's id is in it; it is no error when there is none (any more).
    run.undo().push(
        format!("container {name}"),
        docker.deed(["rm", "--force", "--volumes", &name]),
    );
    let container = request(run, spec)
        .start()
        .await
        .map_err(|source| ContainersError::Container {
            container: name.clone(),
            source: Box::new(source),
        })?;
    // Nothing is awaited between its start and this. It would otherwise be removed when it is dropped, which is too early
    // for `--keep`.
    hold(run, &name, container);
    let http = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
    let look = || async {
        let state = match engine.state(&name).await {
            Ok(state) => state,
            Err(error) => return Probe::Broken(error),
        };
        if let Some(code) = state.exit_code {
            let log = engine.log(&name, Some(LAST_WORDS)).await.unwrap_or_default();
            return Probe::Broken(ContainersError::Ended {
                container: name.clone(),
                code,
                log,
            });
        }
        answers(&http, state, ports, ready).await
    };
    let ports = wait::until(deadline, "readiness", look).await?;
    Ok(Running { name, ports })
}

/// Whether it publishes all of its ports and answers on one of them.
async fn answers(
    http: &reqwest::Client,
    state: State,
    ports: &[u16],
    (port, path): (u16, &str),
) -> Probe<HashMap<u16, u16>, ContainersError> {
    if let Some(missing) = ports.iter().find(|port| !state.ports.contains_key(port)) {
        return Probe::not_yet(format!("port {missing} is not published yet"));
    }
    let outside = state.ports[&port];
    match http.get(format!("http://127.0.0.1:{outside}{path}")).send().await {
        Ok(answer) if answer.status() == 200 => Probe::Ready(state.ports),
        Ok(answer) => Probe::not_yet(format!("{path} answered {}", answer.status())),
        Err(error) => Probe::not_yet(testbed::explain::chain(&error)),
    }
}

fn request(run: &Run, spec: Spec<'_>) -> testcontainers::ContainerRequest<GenericImage> {
    let Spec {
        name,
        network,
        image,
        config: (path, config),
        env,
        ports,
        ..
    } = spec;
    let mut generic = GenericImage::new(image.name(), image.tag());
    for port in ports {
        generic = generic.with_exposed_port(port.tcp());
    }
    let bindings: HashMap<String, Option<Vec<PortBinding>>> = ports
        .iter()
        .map(|port| {
            // The empty port lets Docker pick a free one; only this machine reaches it.
            let binding = PortBinding {
                host_ip: Some("127.0.0.1".to_owned()),
                host_port: Some(String::new()),
            };
            (ContainerPort::Tcp(*port).to_string(), Some(vec![binding]))
        })
        .collect();
    let mut request = generic
        .with_cmd([format!("--config={path}")])
        .with_container_name(name)
        .with_network(network)
        .with_label(RUN_LABEL, run.id().to_string())
        .with_copy_to(path, config.into_bytes())
        .with_host_config_modifier(move |host| {
            host.publish_all_ports = Some(false);
            host.port_bindings = Some(bindings.clone());
        });
    for (variable, value) in env {
        request = request.with_env_var(*variable, *value);
    }
    request
}

fn hold(run: &Run, name: &str, container: ContainerAsync<GenericImage>) {
    let named = name.to_owned();
    run.undo()
        .push_in_process_within(format!("{name} ends"), REMOVE, move || {
            async move {
                let removed = container.rm().await;
                removed.map_err(|source| {
                    BoxError::from(ContainersError::Container {
                        container: named,
                        source: Box::new(source),
                    })
                })
            }
            .boxed()
        });
}
