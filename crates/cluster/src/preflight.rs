//! Everything that is missing for the environment on kind, found at once, each with what cures it.

use std::time::Duration;

use testbed::{Deadline, Explain, Missing};

use crate::docker::{Docker, DockerError};
use crate::doctor::{self, Machine, gib};
use crate::environment::{KindOptions, WORKSTATION_PORT};
use crate::kind::Kind;
use crate::reference::ImageRef;
use crate::telepresence::Telepresence;

/// How long looking may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Memory that the node needs with everything in it: 1.2 GiB were seen in use.
const MEMORY: u64 = 3 << 30;

/// Looks at everything, at the same time.
pub(crate) async fn preflight(
    options: &KindOptions,
    telepresence: Option<&Telepresence>,
    machine: &Machine,
) -> Vec<Missing> {
    let deadline = Deadline::after(LIMIT);
    let intercepts = async {
        match telepresence {
            Some(telepresence) => telepresence.preflight(&deadline).await,
            None => Vec::new(),
        }
    };
    let port = telepresence.map(|_| WORKSTATION_PORT);
    let (docker, kind, telepresence, facts) = tokio::join!(
        docker(options, &deadline),
        kind(options, &deadline),
        intercepts,
        machine.see(&options.tools, &options.plan, port),
    );
    [docker, kind, telepresence, doctor::judge(&facts)]
        .into_iter()
        .flatten()
        .collect()
}

async fn docker(options: &KindOptions, deadline: &Deadline) -> Vec<Missing> {
    let docker = match options.tools.find("docker", "run the cluster's node") {
        Ok(tool) => Docker::new(tool),
        Err(error) => return vec![missing(&error)],
    };
    let engine = match docker.engine(deadline).await {
        Ok(engine) => engine,
        Err(error) => return vec![missing(&error)],
    };
    let mut found = Vec::new();
    if engine.mem_total < MEMORY {
        found.push(Missing {
            fact: format!(
                "Docker has {} of memory, and a node with everything in it needs {}",
                gib(engine.mem_total),
                gib(MEMORY)
            ),
            cure: "give Docker's machine more memory".into(),
        });
    }
    if !options.plan.download {
        match lacks(&docker, options, deadline).await {
            Ok(images) => found.extend(images.into_iter().map(|image| Missing {
                fact: format!("the image {image} is not in the local Docker"),
                cure: format!("docker pull {image}"),
            })),
            Err(error) => found.push(missing(&error)),
        }
    }
    found
}

async fn lacks(
    docker: &Docker,
    options: &KindOptions,
    deadline: &Deadline,
) -> Result<Vec<ImageRef>, DockerError> {
    let mut wanted = options.plan.upstream();
    wanted.push(&options.plan.pins.node);
    docker.lacks(&wanted, deadline).await
}

async fn kind(options: &KindOptions, deadline: &Deadline) -> Vec<Missing> {
    let kind = match options.tools.find("kind", "create a cluster") {
        Ok(tool) => Kind::new(tool),
        Err(error) => return vec![missing(&error)],
    };
    let wanted = options.plan.pins.kind;
    match kind.version(deadline).await {
        Ok(version) if version >= wanted => Vec::new(),
        Ok(version) => vec![Missing {
            fact: format!(
                "kind is {version}; {wanted} or newer is needed for the node image {}",
                options.plan.pins.node
            ),
            cure: format!("go install sigs.k8s.io/kind@v{wanted}"),
        }],
        Err(error) => vec![missing(&error)],
    }
}

fn missing(error: &dyn Explain) -> Missing {
    let fact = testbed::explain::chain(error as &dyn std::error::Error);
    Missing {
        fact,
        cure: error.hint().unwrap_or_else(|| "see the reason".into()),
    }
}
