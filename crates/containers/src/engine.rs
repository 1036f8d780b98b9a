//! What is asked of Docker besides running containers: is it there, has it the images, what does a container say.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use testbed::Deadline;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::models::NetworkCreateRequest;
use testcontainers::bollard::query_parameters::{
    CreateImageOptionsBuilder, InspectContainerOptions, LogsOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;
use upstream::reference::ImageRef;

use crate::error::ContainersError;

/// How long Docker may take to answer a question: it needs milliseconds, and seconds when the machine is busy.
const QUESTION: Duration = Duration::from_secs(20);

/// The label that says which run made something.
pub(crate) const RUN_LABEL: &str = "throughline.dev/run";

/// The Docker Engine that `testcontainers` uses.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    docker: Docker,
}

/// A container as it is right now.
#[derive(Debug)]
pub(crate) struct State {
    /// The exit code, once it ended.
    pub(crate) exit_code: Option<i64>,
    /// Ports inside with the ports of 127.0.0.1 that lead to them.
    pub(crate) ports: HashMap<u16, u16>,
}

impl Engine {
    /// The Engine, if it can be found and answers.
    ///
    /// # Errors
    /// Why it can't, in a sentence without a subject.
    pub(crate) async fn reach() -> Result<Self, String> {
        let docker = docker_client_instance()
            .await
            .map_err(|error| testbed::explain::chain(&error))?;
        let engine = Self { docker };
        match Deadline::after(QUESTION).bound(engine.docker.ping()).await {
            Ok(Ok(_)) => Ok(engine),
            Ok(Err(error)) => Err(testbed::explain::chain(&error)),
            Err(_) => Err(format!("no answer within {} s", QUESTION.as_secs())),
        }
    }

    /// The Engine's own name for itself: two ways to Docker lead to the same one when they agree on it.
    pub(crate) async fn id(&self) -> Option<String> {
        self.docker.info().await.ok()?.id
    }

    /// Whether the image is there, and has the digest of its pin where that has one.
    pub(crate) async fn has(&self, image: &ImageRef) -> Result<bool, ContainersError> {
        match self.docker.inspect_image(&image.tagged()).await {
            Ok(found) => Ok(image.digest().is_none_or(|digest| {
                let digests = found.repo_digests.unwrap_or_default();
                digests.iter().any(|it| it.ends_with(&format!("@{digest}")))
            })),
            Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
            Err(source) => Err(ContainersError::Docker {
                deed: format!("look for {image}"),
                source,
            }),
        }
    }

    /// Pulls an image.
    pub(crate) async fn pull(&self, image: &ImageRef) -> Result<(), ContainersError> {
        let tag = image.digest().unwrap_or(image.tag());
        let options = CreateImageOptionsBuilder::new()
            .from_image(image.name())
            .tag(tag)
            .build();
        let pulled = self.docker.create_image(Some(options), None, None);
        pulled
            .try_for_each(|_| async { Ok(()) })
            .await
            .map_err(|source| ContainersError::Docker {
                deed: format!("pull {image}"),
                source,
            })
    }

    /// Creates a network that carries the run's label, by which it is removed again.
    pub(crate) async fn create_network(&self, name: &str, run: &str) -> Result<(), ContainersError> {
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            labels: Some(HashMap::from([(RUN_LABEL.to_owned(), run.to_owned())])),
            ..NetworkCreateRequest::default()
        };
        let created = self.docker.create_network(request).await;
        created.map(drop).map_err(|source| ContainersError::Docker {
            deed: format!("create the network {name}"),
            source,
        })
    }

    /// How a container is.
    pub(crate) async fn state(&self, container: &str) -> Result<State, ContainersError> {
        let found = self
            .docker
            .inspect_container(container, None::<InspectContainerOptions>)
            .await
            .map_err(|source| ContainersError::Docker {
                deed: format!("look at {container}"),
                source,
            })?;
        let state = found.state.unwrap_or_default();
        let ended = state.running == Some(false);
        let ports = found
            .network_settings
            .and_then(|settings| settings.ports)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(inside, bound)| {
                let inside = inside.split('/').next()?.parse().ok()?;
                let outside = bound?.first()?.host_port.as_ref()?.parse().ok()?;
                Some((inside, outside))
            });
        Ok(State {
            exit_code: ended.then(|| state.exit_code.unwrap_or_default()),
            ports: ports.collect(),
        })
    }

    /// The last lines that a container wrote, or all of them.
    pub(crate) async fn log(&self, container: &str, lines: Option<u32>) -> Result<String, ContainersError> {
        let tail = lines.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .tail(&tail)
            .build();
        let pieces: Vec<_> = self
            .docker
            .logs(container, Some(options))
            .try_collect()
            .await
            .map_err(|source| ContainersError::Docker {
                deed: format!("read the log of {container}"),
                source,
            })?;
        Ok(pieces.iter().map(ToString::to_string).collect())
    }
}
