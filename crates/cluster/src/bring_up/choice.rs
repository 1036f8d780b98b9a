//! Which cluster a run uses: one of its own, or with `--keep` the one that fits and that others may have left. A plan can ask for a
//! cluster that was kept also without `--keep`; it is never made for that, and stays kept.

use std::path::PathBuf;

use testbed::{Deadline, Lease, LeaseError, Leased, Run, UndoId};

use crate::docker::{Docker, QUESTION};
use crate::error::ClusterError;
use crate::kind::Kind;
use crate::kind_config;
use crate::node::Node;
use crate::options::Plan;

/// The cluster that a run uses. Known before there is one, and as long as evidence may be wanted.
#[derive(Debug)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// The value of the run label on the objects in it. A kept cluster has one of its own: another run's label on the
    /// pods would roll all of them.
    pub label: String,
    /// Where its kubeconfig is or will be, in the run directory.
    pub kubeconfig: PathBuf,
    /// Whether it is there already.
    pub warm: bool,
    /// The entry that removes the kubeconfig, where it holds the user's credentials.
    pub(crate) credentials: Option<UndoId>,
    // Nobody else may use a kept cluster meanwhile.
    lease: Option<Lease>,
}

impl Choice {
    /// A cluster that is there already, and is nobody's to make or delete.
    pub(crate) const fn there(name: String, label: String, kubeconfig: PathBuf, credentials: UndoId) -> Self {
        Self {
            name,
            label,
            kubeconfig,
            warm: true,
            credentials: Some(credentials),
            lease: None,
        }
    }

    /// What the cluster is leased as, when it is one that may stay.
    pub(crate) fn leased(&self) -> Option<&Leased> {
        self.lease.as_ref().map(Lease::leased)
    }
}

/// Chooses the cluster. One that was kept and does not run any more, because Docker was restarted, is removed.
///
/// # Errors
/// The kept cluster is in use, or Docker can't be reached.
pub async fn choose(run: &Run, plan: &Plan, docker: &Docker, kind: &Kind) -> Result<Choice, ClusterError> {
    let kubeconfig = run.dir().file("kubeconfig");
    if !run.keep() {
        if plan.reuse
            && let Some(kept) = kept(run, plan, docker, kind, kubeconfig.clone()).await?
        {
            return Ok(kept);
        }
        let label = run.id().to_string();
        let name = format!("{}-{label}", plan.prefix);
        return Ok(Choice {
            name,
            label,
            kubeconfig,
            warm: false,
            credentials: None,
            lease: None,
        });
    }
    let (label, name) = kept_names(plan);
    let holder = format!("run {} (pid {})", run.id(), std::process::id());
    let lease = Lease::take(&plan.locks, &leased(&name), &holder)?;
    let deadline = run.deadline(QUESTION);
    let mut warm = kind.clusters(&deadline).await?.contains(&name);
    if warm {
        let node = Node::of_cluster(docker.clone(), &name);
        warm = docker.runs(node.container(), &deadline).await?;
        if !warm {
            run.events().note(format!(
                "the kept cluster {name} does not run any more and is made anew"
            ));
            kind.delete(&name, &kubeconfig, &deadline).await?;
        }
    }
    Ok(Choice {
        name,
        label,
        kubeconfig,
        warm,
        credentials: None,
        lease: Some(lease),
    })
}

/// The label and the name of the cluster that is kept for these pins.
fn kept_names(plan: &Plan) -> (String, String) {
    let label = format!("kept-{}", kind_config::fingerprint(&plan.pins));
    let name = format!("{}-{label}", plan.prefix);
    (label, name)
}

/// The node of the kept cluster that a run with this plan takes, when it runs.
pub(crate) async fn kept_node(plan: &Plan, docker: &Docker, deadline: &Deadline) -> Option<Node> {
    if !plan.reuse {
        return None;
    }
    let (_, name) = kept_names(plan);
    let node = Node::of_cluster(docker.clone(), &name);
    // Docker has no such container, usually.
    let runs = docker.runs(node.container(), deadline).await;
    runs.is_ok_and(|runs| runs).then_some(node)
}

/// The kept cluster, when there is one that runs and that nobody uses. Nothing is mended: that is for runs with `--keep`.
async fn kept(
    run: &Run,
    plan: &Plan,
    docker: &Docker,
    kind: &Kind,
    kubeconfig: PathBuf,
) -> Result<Option<Choice>, ClusterError> {
    let (label, name) = kept_names(plan);
    let deadline = run.deadline(QUESTION);
    if !kind.clusters(&deadline).await?.contains(&name) {
        return Ok(None);
    }
    let holder = format!("run {} (pid {})", run.id(), std::process::id());
    let lease = match Lease::take(&plan.locks, &leased(&name), &holder) {
        Ok(lease) => lease,
        Err(LeaseError::Held { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let node = Node::of_cluster(docker.clone(), &name);
    let warm = docker.runs(node.container(), &deadline).await?;
    Ok(warm.then_some(Choice {
        name,
        label,
        kubeconfig,
        warm,
        credentials: None,
        lease: Some(lease),
    }))
}

fn leased(cluster: &str) -> String {
    format!("kind cluster {cluster}")
}
