//! The node of a kind cluster, which is a container: the images in it, and the credentials that kubeadm leaves there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use testbed::Deadline;
use testbed::wait::{self, Pace, Probe};

use crate::docker::{Docker, DockerError, last_line, succeeded};
use crate::reference::ImageRef;

/// How often Docker is asked whether the node's container is there: each question costs processor time that the node
/// itself could use.
const PACE: Pace = Pace {
    first: Duration::from_millis(100),
    longest: Duration::from_millis(200),
};

/// A node of a cluster.
#[derive(Debug, Clone)]
pub struct Node {
    docker: Docker,
    container: String,
}

impl Node {
    /// The only node of the kind cluster with this name.
    #[must_use]
    pub fn of_cluster(docker: Docker, cluster: &str) -> Self {
        Self {
            docker,
            container: format!("{cluster}-control-plane"),
        }
    }

    /// The name of its container.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The names of the images in it, as containerd spells them. Waits for containerd, which answers long before
    /// Kubernetes does.
    ///
    /// # Errors
    /// It does not answer before the deadline.
    pub async fn images(&self, deadline: &Deadline) -> Result<BTreeSet<String>, DockerError> {
        let script = format!(
            "{}{CTR} images ls --quiet",
            when("[ -S /run/containerd/containerd.sock ]")
        );
        let names = self.wait_for("containerd in the node", &script, deadline).await?;
        Ok(names
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect())
    }

    /// Puts the images of a docker archive into it.
    ///
    /// # Errors
    /// The archive is refused, or the node's disk is full.
    pub async fn import(
        &self,
        archive: impl Into<Arc<[u8]>>,
        deadline: &Deadline,
    ) -> Result<(), DockerError> {
        let answer = self
            .docker
            .exec(&self.container, true, &IMPORT)
            .input(archive)
            .run(deadline)
            .await?;
        succeeded(answer).map(drop)
    }

    /// Puts images that Docker has into it, all through one pipe.
    ///
    /// # Errors
    /// Docker does not have one of them, or the node's disk is full.
    pub async fn import_from_docker(
        &self,
        images: &[ImageRef],
        deadline: &Deadline,
    ) -> Result<(), DockerError> {
        let import = self
            .docker
            .exec(&self.container, true, &IMPORT)
            .input_from(self.docker.save(images));
        succeeded(import.run(deadline).await?).map(drop)
    }

    /// The kubeconfig of the cluster's administrator, with the server's name inside the node. Waits until kubeadm has
    /// written it, which is before there is a server.
    ///
    /// kubeadm writes two since Kubernetes 1.29. The one taken here passes authorisation without any roles, and so
    /// works from the server's first answer on; the other one only works after kubeadm has bound its role.
    ///
    /// # Errors
    /// It is not there before the deadline.
    pub async fn kubeconfig(&self, deadline: &Deadline) -> Result<String, DockerError> {
        // The last one that kubeadm writes: when it is there, the others are whole.
        let script = format!(
            "cd /etc/kubernetes || exit; {}cat super-admin.conf 2>/dev/null || exec cat admin.conf",
            when("[ -s /etc/kubernetes/scheduler.conf ]")
        );
        self.wait_for("kubeadm's kubeconfig in the node", &script, deadline)
            .await
    }

    /// Runs a script in the node that itself waits a little. There is no node at first, and a script may be too early.
    async fn wait_for(&self, what: &str, script: &str, deadline: &Deadline) -> Result<String, DockerError> {
        let outcome = wait::until_paced(deadline, what, PACE, || async {
            let answer = match self
                .docker
                .exec(&self.container, false, &["sh", "-c", script])
                .run(deadline)
                .await
            {
                Ok(answer) => answer,
                Err(error) => return Probe::Broken(DockerError::from(error)),
            };
            let reason = || last_line(&answer.stderr).unwrap_or_else(|| answer.exit.to_string());
            if answer.exit.success() {
                return Probe::Ready(String::from_utf8_lossy(&answer.stdout).into_owned());
            }
            match succeeded(answer.clone()) {
                Err(error @ DockerError::Unreachable { .. }) => Probe::Broken(error),
                _ => Probe::NotYet(reason()),
            }
        });
        outcome.await.map_err(DockerError::from)
    }
}

const CTR: &str = "ctr --namespace=k8s.io";
const IMPORT: [&str; 5] = ["ctr", "--namespace=k8s.io", "images", "import", "-"];

/// The beginning of a script that waits for a condition for at most ten seconds. One call of Docker that waits in the
/// node costs less than a call for every look: each takes about 50 ms of processor time, while kubeadm needs all of it.
fn when(condition: &str) -> String {
    format!("for i in $(seq 100); do {condition} && break; sleep 0.1; done; {condition} || exit 75; ")
}
