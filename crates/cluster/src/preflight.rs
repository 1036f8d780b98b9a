//! Everything that is missing for the environment on kind, found at once, each with what cures it.

use std::slice;
use std::time::Duration;

use testbed::{Deadline, Examination, Explain, Missing};

use crate::bring_up::kept_node;
use crate::docker::{Docker, DockerError, Engine};
use crate::doctor::{self, OF_KIND, gib};
use crate::download;
use crate::kind::Kind;
use crate::machine::Machine;
use crate::node::Node;
use crate::options::KindOptions;
use crate::program::Program;
use crate::reference::ImageRef;
use crate::telepresence::Telepresence;

/// How long looking may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Memory that the node needs with everything in it: 1.2 GiB were seen in use.
const MEMORY: u64 = 3 << 30;

/// Looks at everything, at the same time.
pub(crate) async fn examine(
    options: &KindOptions,
    telepresence: Option<&Telepresence>,
    machine: &Machine,
) -> Examination {
    let deadline = Deadline::after(LIMIT);
    let port = telepresence.map(|_| options.plan.workstation_port);
    let (docker, kind, intercepts, mut facts) = tokio::join!(
        docker(options, &deadline),
        kind(options, &deadline),
        intercepts(options, telepresence, &deadline),
        doctor::see(machine, &options.tools, &options.plan, port),
    );
    facts
        .disks
        .splice(..0, doctor::docker_disk(docker.engine.as_ref()));
    if docker.kept {
        // What it needs it has already.
        facts = facts.without_a_cluster();
    }
    facts.expect_cluster(OF_KIND.iter().filter_map(|text| text.parse().ok()));
    [
        docker.examination,
        kind,
        machine_with(facts, &intercepts),
        intercepts,
    ]
    .into_iter()
    .collect()
}

/// What there is to say of the machine. A connection that Telepresence itself told of is not told twice.
pub(crate) fn machine_with(mut facts: doctor::Facts, intercepts: &Examination) -> Examination {
    if !intercepts.missing.is_empty() {
        facts.forget_daemon_s_connection();
    }
    Examination {
        fine: doctor::fine(&facts),
        missing: doctor::judge(&facts),
    }
}

/// Telepresence itself, and that nobody else is connected.
pub(crate) async fn intercepts(
    options: &KindOptions,
    telepresence: Option<&Telepresence>,
    deadline: &Deadline,
) -> Examination {
    let Some(telepresence) = telepresence else {
        return Examination::default();
    };
    if let Some(answer) = download::instead(options, Program::Telepresence) {
        return answer;
    }
    match telepresence.preflight(deadline).await {
        missing if missing.is_empty() => {
            Examination::fine("Telepresence is there, and nobody else is connected")
        }
        missing => Examination::missing(missing),
    }
}

/// What there is to say of Docker.
#[derive(Debug, Default)]
struct OfDocker {
    examination: Examination,
    /// What it says of itself, when it answers.
    engine: Option<Engine>,
    /// Whether a cluster that was kept runs there and will be taken.
    kept: bool,
}

impl OfDocker {
    fn missing(because: &impl Explain) -> Self {
        Self {
            examination: Examination::missing([Missing::because(because)]),
            ..Self::default()
        }
    }
}

async fn docker(options: &KindOptions, deadline: &Deadline) -> OfDocker {
    let docker = match options.tools.find("docker", "run the cluster's node") {
        Ok(tool) => Docker::new(tool),
        Err(error) => return OfDocker::missing(&error),
    };
    let engine = match docker.engine(deadline).await {
        Ok(engine) => engine,
        Err(error) => return OfDocker::missing(&error),
    };
    let kept = kept_node(&options.plan, &docker, deadline).await;
    let images = match &kept {
        Some(node) => match local_images(options, slice::from_ref(node), deadline).await {
            lacking if lacking.is_empty() => {
                Examination::fine("the cluster that was kept runs, and every image can be had")
            }
            lacking => Examination::missing(lacking),
        },
        None => images(&docker, options, deadline).await,
    };
    OfDocker {
        examination: [memory(&engine), images].into_iter().collect(),
        engine: Some(engine),
        kept: kept.is_some(),
    }
}

fn memory(engine: &Engine) -> Examination {
    if engine.mem_total < MEMORY {
        return Examination::missing([Missing {
            fact: format!(
                "Docker has {} of memory, and a node with everything in it needs {}",
                gib(engine.mem_total),
                gib(MEMORY)
            ),
            cure: "give Docker's machine more memory".into(),
        }]);
    }
    Examination::fine(format!(
        "Docker is {} and has {} of memory",
        engine.server_version,
        gib(engine.mem_total)
    ))
}

async fn images(docker: &Docker, options: &KindOptions, deadline: &Deadline) -> Examination {
    if options.plan.download {
        return Examination::fine("images that the local Docker lacks are downloaded");
    }
    match lacks(docker, options, deadline).await {
        Ok(images) if images.is_empty() => Examination::fine("every image is in the local Docker"),
        Ok(images) => Examination::missing(images.iter().map(absent)),
        Err(error) => Examination::missing([Missing::because(&error)]),
    }
}

/// The images of others that are neither in one of these nodes nor in the local Docker.
pub(crate) async fn local_images(options: &KindOptions, nodes: &[Node], deadline: &Deadline) -> Vec<Missing> {
    if options.plan.download {
        return Vec::new();
    }
    let docker = match options.tools.find("docker", "put images into nodes") {
        Ok(tool) => Docker::new(tool),
        Err(error) => return vec![Missing::because(&error)],
    };
    let mut lacking: Vec<&ImageRef> = Vec::new();
    for node in nodes {
        match node.images(deadline).await {
            Ok(present) => {
                let upstream = options.plan.upstream().into_iter();
                lacking.extend(upstream.filter(|image| !present.contains(&image.canonical())));
            }
            Err(error) => return vec![Missing::because(&error)],
        }
    }
    lacking.sort_unstable();
    lacking.dedup();
    match docker.lacks(&lacking, deadline).await {
        Ok(images) => images.iter().map(absent).collect(),
        Err(error) => vec![Missing::because(&error)],
    }
}

fn absent(image: &ImageRef) -> Missing {
    Missing {
        fact: format!("the image {image} is not in the local Docker"),
        cure: format!("docker pull {image}"),
    }
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

async fn kind(options: &KindOptions, deadline: &Deadline) -> Examination {
    if let Some(answer) = download::instead(options, Program::Kind) {
        return answer;
    }
    let kind = match options.tools.find("kind", "create a cluster") {
        Ok(tool) => Kind::new(tool),
        Err(error) => return Examination::missing([Missing::because(&error)]),
    };
    let wanted = options.plan.pins.kind;
    match kind.version(deadline).await {
        Ok(version) if version >= wanted => Examination::fine(format!("kind is {version}")),
        Ok(version) => Examination::missing([Missing {
            fact: format!(
                "kind is {version}; {wanted} or newer is needed for the node image {}",
                options.plan.pins.node
            ),
            cure: format!("go install sigs.k8s.io/kind@v{wanted}"),
        }]),
        Err(error) => Examination::missing([Missing::because(&error)]),
    }
}
