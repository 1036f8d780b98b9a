//! From nothing to an environment that is proven to work, with everything at the same time that does not wait for
//! something else:
//!
//! ```text
//! cluster    kind create ───────────────────────────────────────────────────────────────────────────┐
//! services   build, pack ──┐                                                                        │
//! images     containerd ───┴─ import (kubeadm still runs) ──┐                                       │
//! objects    kubeconfig ─ API server ─ apply ─ pods reach it │      ┌─ Deployments ─ ready ─ proof ─┤
//! intercepts                             └─ Helm ──────────┴─┴─ manager listens ─ connect ──────────┴─ done
//! ```
//!
//! The way over the traffic manager is the longest, and half of a connection is waiting: the Deployments come up meanwhile.

mod choice;
mod images;
mod intercepts;
mod objects;
mod proof;

pub(crate) use choice::kept_node;
pub use choice::{Choice, choose};
pub(crate) use images::{archived, pack};
pub(crate) use intercepts::connect;
pub(crate) use objects::endpoints;
pub(crate) use proof::prove;

use std::time::Duration;

use kube::Client;
use testbed::{Deadline, Endpoints, Event, Outcome, Run, UndoId};
use tokio::sync::watch;

use crate::docker::{Docker, QUESTION};
use crate::download;
use crate::error::ClusterError;
use crate::kind::{ClusterSpec, Kind, KindError};
use crate::kind_config::{self, Mount};
use crate::manifest::{APPLICATION, OBSERVABILITY, Object, SERVICES};
use crate::node::Node;
use crate::options::Plan;
use crate::saved_images::SavedImages;
use crate::telepresence::Telepresence;

use crate::kubernetes::unavailable::Workload;

/// More than bringing up can take within the limits of its steps, with both programs to be downloaded before: everything one after
/// the other, although most of it goes on at the same time. Whoever bounds the whole takes more than this.
pub const LONGEST: Duration = {
    let once = [
        limits::CLUSTER,
        limits::BUILD,
        limits::IMAGES,
        limits::SERVER,
        limits::ROLLOUT,
        limits::PROOF,
    ];
    let mut seconds = 0;
    let mut at = 0;
    while at < once.len() {
        seconds += once[at].as_secs();
        at += 1;
    }
    // The node's image. Images come into nodes of a context and, in another one, into the cluster; objects are looked at and
    // made; Telepresence installs, connects, resolves, and ends a dead client's intercept.
    seconds += limits::PULL.as_secs();
    seconds += 2 * (download::LIMIT.as_secs() + limits::PULL.as_secs() + limits::APPLY.as_secs());
    seconds += 4 * limits::CONNECTING.as_secs();
    // Steps.
    seconds += 13 * limits::EXPLANATION.as_secs();
    Duration::from_secs(seconds)
};

/// Limits of the steps. Each is many times what the step takes on two busy processors.
pub(crate) mod limits {
    use std::time::Duration;

    pub(crate) const CLUSTER: Duration = Duration::from_secs(240);
    /// From nothing, with all dependencies.
    pub(crate) const BUILD: Duration = Duration::from_secs(900);
    pub(crate) const IMAGES: Duration = Duration::from_secs(180);
    /// Those that are downloaded.
    pub(crate) const PULL: Duration = Duration::from_secs(600);
    pub(crate) const SERVER: Duration = Duration::from_secs(240);
    pub(crate) const APPLY: Duration = Duration::from_secs(60);
    pub(crate) const ROLLOUT: Duration = Duration::from_secs(120);
    pub(crate) const PROOF: Duration = Duration::from_secs(60);
    /// A net under Telepresence's own limits.
    pub(crate) const CONNECTING: Duration = Duration::from_secs(160);
    /// What a step that explains its own failure keeps for the explanation.
    pub(crate) const EXPLANATION: Duration = Duration::from_secs(6);
}

/// An environment that is up.
pub struct Up {
    /// The client for its cluster.
    pub client: Client,
    /// Where things answer.
    pub endpoints: Endpoints,
    /// What was applied.
    pub objects: Vec<Object>,
}

/// Brings everything up.
///
/// # Errors
/// The first part that failed; the others are given up, and what they made is on the undo stack.
pub async fn bring_up(
    run: &Run,
    plan: &Plan,
    docker: &Docker,
    kind: &Kind,
    choice: &Choice,
    mut telepresence: Option<&mut Telepresence>,
) -> Result<Up, ClusterError> {
    let node = Node::of_cluster(docker.clone(), &choice.name);
    let (packed_tx, packed_rx) = watch::channel(None);
    let (loaded_tx, loaded_rx) = watch::channel(images::Loaded::default());
    let (applied_tx, applied_rx) = watch::channel(None);
    let (manager_tx, manager_rx) = watch::channel(false);
    let stage = Stage {
        run,
        plan,
        docker,
        kind,
        node: &node,
        choice,
        saved: saved_images(run, plan, docker, choice).await,
    };
    // Before anybody waits for the node, whose limits leave no time for it.
    stage.pull_node().await?;
    // On the heap, like those below: an unoptimised build holds a future several times on its worker's stack.
    let rolled_out = Box::pin(stage.roll_out(packed_rx.clone(), loaded_rx.clone(), applied_tx, manager_rx));
    let serve = async {
        let (client, endpoints, objects) = rolled_out.await?;
        // In a new cluster nobody has left an intercept that takes the order, and the connection needs a little longer anyway.
        if !choice.warm {
            prove(run, &endpoints).await?;
        }
        Ok((client, endpoints, objects))
    };
    let work = async {
        tokio::try_join!(
            Box::pin(stage.make_cluster()),
            Box::pin(stage.pack_services(packed_tx)),
            Box::pin(stage.load_images(packed_rx, loaded_tx)),
            Box::pin(serve),
            Box::pin(stage.prepare_intercepts(
                telepresence.as_deref_mut(),
                loaded_rx,
                applied_rx,
                manager_tx
            )),
        )
    };
    let (undo, (), (), (client, endpoints, objects), ()) = work.await?;
    if choice.warm {
        if let Some(telepresence) = telepresence {
            intercepts::resolve_names(run, telepresence, &client).await?;
            stage.free_from_dead_clients(telepresence, &endpoints).await?;
        }
        prove(run, &endpoints).await?;
    }
    if let Some(undo) = undo.filter(|_| run.keep()) {
        // It is up and stays, until `down`.
        run.undo().keep(undo);
    }
    Ok(Up {
        client,
        endpoints,
        objects,
    })
}

/// What the parts of the work share.
struct Stage<'a> {
    run: &'a Run,
    plan: &'a Plan,
    docker: &'a Docker,
    kind: &'a Kind,
    node: &'a Node,
    choice: &'a Choice,
    /// Where the upstream images are saved, and how a new node sees that.
    saved: Option<(SavedImages, Mount)>,
}

/// The saved images that a new node will see. Without them the images come out of Docker and through a pipe, as into a node that is
/// there already.
async fn saved_images(
    run: &Run,
    plan: &Plan,
    docker: &Docker,
    choice: &Choice,
) -> Option<(SavedImages, Mount)> {
    if choice.warm {
        return None;
    }
    // A Docker that does not answer is told by those who can't do without it.
    let seen = SavedImages::seen_by(docker, &plan.saved_images, &run.deadline(QUESTION)).await;
    let saved = seen.ok().flatten()?;
    let mount = saved.mount().map_err(|error| images_not_saved(run, &error));
    Some((saved, mount.ok()?))
}

fn images_not_saved(run: &Run, error: &dyn std::error::Error) {
    let reason = testbed::explain::chain(error);
    let text = format!("the images come out of Docker, since they can't be saved: {reason}");
    run.events().warn(text, None);
}

impl Stage<'_> {
    async fn make_cluster(&self) -> Result<Option<UndoId>, ClusterError> {
        if self.choice.warm {
            return Ok(None);
        }
        let Self {
            run,
            plan,
            kind,
            choice,
            ..
        } = self;
        let create = async {
            let deadline = run.deadline(limits::CLUSTER);
            let spec = |seen: Option<&Mount>| {
                let config = kind_config::render(&choice.name, &plan.pins.node, seen);
                Ok::<_, KindError>(ClusterSpec {
                    name: choice.name.clone(),
                    config: config.map_err(|error| KindError::Other {
                        reason: error.to_string(),
                        log: None,
                    })?,
                    image: plan.pins.node.to_string(),
                    // Ours is written much earlier: see `roll_out`.
                    kubeconfig: run.dir().file("kubeconfig.kind"),
                    leased: choice.leased().cloned(),
                })
            };
            let seen = self.saved.as_ref().map(|(_, mount)| mount);
            match kind.create(run, &spec(seen)?, &deadline).await {
                // Nothing depends on that folder: the images then come out of Docker.
                Err(error @ KindError::Mount { .. }) if seen.is_some() => {
                    images_not_saved(run, &error);
                    kind.create(run, &spec(None)?, &deadline).await
                }
                created => created,
            }
        };
        let name = choice.name.clone();
        let limit = limits::CLUSTER + limits::EXPLANATION;
        let undo = run.step_showing("kind cluster", limit, create, |_| name).await?;
        Ok(Some(undo))
    }
}

/// All Deployments of the manifests.
pub(crate) fn workloads() -> Vec<Workload> {
    let services = SERVICES
        .iter()
        .map(|service| Workload::new(APPLICATION, *service));
    let infrastructure = ["jaeger", "otel-collector"].map(|name| Workload::new(OBSERVABILITY, name));
    infrastructure.into_iter().chain(services).collect()
}

/// Tells of something that happened beside the steps, with its time.
pub(crate) fn tell(run: &Run, step: String, took: Duration) {
    run.events().emit(Event::StepStarted { step: step.clone() });
    run.events().emit(Event::StepFinished {
        step,
        took,
        outcome: Outcome::Ok,
        detail: None,
    });
}

/// Waits for a value that another part of the work makes.
async fn next<T: Clone>(
    from: &mut watch::Receiver<T>,
    deadline: &Deadline,
    what: &'static str,
    enough: impl FnMut(&T) -> bool,
) -> Result<T, ClusterError> {
    match deadline.bound(from.wait_for(enough)).await {
        Ok(Ok(value)) => Ok(value.clone()),
        _ => Err(ClusterError::GivenUp { what }),
    }
}
