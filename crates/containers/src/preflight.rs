//! What must be there before the environment can come up.

use std::time::Duration;

use testbed::{Call, Deadline, Missing, ProcessSpec};

use crate::container::DockerCommand;
use crate::engine::Engine;
use crate::environment::ContainersConfig;

const LIMIT: Duration = Duration::from_secs(20);

/// Everything missing at once, besides the services' binaries.
pub(crate) async fn missing(config: &ContainersConfig, docker: Option<&DockerCommand>) -> Vec<Missing> {
    let mut missing = Vec::new();
    if docker.is_none() {
        missing.push(Missing {
            fact: "docker not found on PATH (needed to remove containers)".to_owned(),
            cure: "install `docker`, or put its folder on `PATH`".to_owned(),
        });
    }
    if let Some(host) = config.docker_host.as_deref().filter(|host| is_elsewhere(host)) {
        missing.push(Missing {
            fact: format!("Docker runs on another machine ({host}), and its ports would be published there"),
            cure: "unset DOCKER_HOST, or use `--env embedded`".to_owned(),
        });
        return missing;
    }
    let engine = match Engine::reach().await {
        Ok(engine) => engine,
        Err(reason) => {
            missing.push(Missing {
                fact: format!("the Docker Engine can't be reached: {reason}"),
                cure: "start Docker and check with `docker info`".to_owned(),
            });
            return missing;
        }
    };
    if let Some(docker) = docker
        && let (Some(ours), Some(theirs)) = (engine.id().await, id_by_command(docker).await)
        && ours != theirs
    {
        missing.push(Missing {
            fact: "`docker` and the socket that containers are started through lead to different Engines".to_owned(),
            cure: "set DOCKER_HOST: `export DOCKER_HOST=$(docker context inspect --format '{{.Endpoints.docker.Host}}')`"
                .to_owned(),
        });
    }
    if config.download {
        return missing;
    }
    for image in [&config.pins.jaeger, &config.pins.collector] {
        match engine.has(image).await {
            Ok(true) => {}
            Ok(false) => missing.push(Missing {
                fact: format!("the image {image} is not in the local Docker"),
                cure: format!("docker pull {image}"),
            }),
            Err(error) => missing.push(Missing {
                fact: testbed::explain::chain(&error),
                cure: "check with `docker images`".to_owned(),
            }),
        }
    }
    missing
}

/// Whether an address of Docker is one of another machine.
fn is_elsewhere(host: &str) -> bool {
    let Some((scheme, rest)) = host.split_once("://") else {
        return false;
    };
    let name = rest.rsplit_once(':').map_or(rest, |(name, _)| name);
    match scheme {
        "unix" | "npipe" | "fd" => false,
        "tcp" | "http" | "https" => !matches!(name, "127.0.0.1" | "localhost" | "[::1]"),
        _ => true,
    }
}

async fn id_by_command(docker: &DockerCommand) -> Option<String> {
    let spec = ProcessSpec::new("docker", &docker.program)
        .args(["info", "--format", "{{.ID}}"])
        .envs(&docker.env);
    let answer = Call::new(spec).run(&Deadline::after(LIMIT)).await.ok()?;
    let id = answer.success().ok()?.text().trim().to_owned();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::is_elsewhere;

    #[test]
    fn docker_on_another_machine_is_known_by_its_address() {
        for here in [
            "unix:///var/run/docker.sock",
            "tcp://127.0.0.1:2375",
            "tcp://localhost:2375",
            "/var/run/docker.sock",
        ] {
            assert!(!is_elsewhere(here), "{here}");
        }
        for there in ["tcp://10.0.0.7:2375", "ssh://me@build", "tcp://docker:2376"] {
            assert!(is_elsewhere(there), "{there}");
        }
    }
}
