//! The node of a kind cluster, which is a container: the images in it, and the credentials that kubeadm leaves there.

mod kubelet;
mod service_network;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use testbed::wait::{self, Pace, Probe};
use testbed::{Deadline, Exit};

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

    /// A node by the name of its container.
    #[must_use]
    pub const fn named(docker: Docker, container: String) -> Self {
        Self { docker, container }
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

    /// Puts the images of an archive into it.
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

    /// Puts the images of an archive into it that is a file in the node, which costs less than to send it. Says whether
    /// there is such a file.
    ///
    /// # Errors
    /// The archive is refused, or the node's disk is full.
    pub async fn import_file(&self, file: &str, deadline: &Deadline) -> Result<bool, DockerError> {
        const ABSENT: i32 = 66;
        let script = format!("[ -r \"$1\" ] || exit {ABSENT}; exec {CTR} images import \"$1\"");
        let command = ["sh", "-c", &script, "sh", file];
        let answer = self
            .docker
            .exec(&self.container, false, &command)
            .run(deadline)
            .await?;
        if answer.exit == Exit::Code(ABSENT) {
            return Ok(false);
        }
        succeeded(answer).map(|_| true)
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
        let save = self.docker.save(images, deadline).await?;
        let import = self.docker.exec(&self.container, true, &IMPORT).input_from(save);
        succeeded(import.run(deadline).await?).map(drop)
    }

    /// Removes images from it, with the further names that containerd gave them; fine when they are not there.
    ///
    /// # Errors
    /// One of them stays.
    pub async fn remove(&self, images: &[String], deadline: &Deadline) -> Result<(), DockerError> {
        let list = self.ctr(&["images", "ls"], deadline).await?;
        let names = names_of(&String::from_utf8_lossy(&list.stdout), images);
        if names.is_empty() {
            return Ok(());
        }
        let command: Vec<&str> = ["images", "rm"]
            .into_iter()
            .chain(names.iter().map(String::as_str))
            .collect();
        self.ctr(&command, deadline).await.map(drop)
    }

    async fn ctr(&self, args: &[&str], deadline: &Deadline) -> Result<testbed::Answer, DockerError> {
        let command: Vec<&str> = CTR.split(' ').chain(args.iter().copied()).collect();
        succeeded(
            self.docker
                .exec(&self.container, false, &command)
                .run(deadline)
                .await?,
        )
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

    /// Waits until somebody listens at an address, as seen from the node.
    ///
    /// # Errors
    /// Nobody does before the deadline.
    pub async fn reaches(&self, address: SocketAddr, deadline: &Deadline) -> Result<(), DockerError> {
        let (host, port) = (address.ip(), address.port());
        let asked = format!("timeout 1 bash -c '</dev/tcp/{host}/{port}' 2>/dev/null");
        let what = format!("{address} in the node");
        self.wait_for(&what, &when(&asked), deadline).await.map(drop)
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

/// The names to remove so that these images are gone, out of what `ctr images ls` prints. containerd knows an image by its
/// id and by the import too; those names go when nobody else's name leads to the same image.
fn names_of(list: &str, images: &[String]) -> Vec<String> {
    let lines: Vec<(&str, &str)> = list
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            Some((columns.next()?, columns.nth(1)?))
        })
        .collect();
    let is_ours = |name: &str| images.iter().any(|image| image == name);
    let is_derived = |name: &str| name.starts_with("sha256:") || name.starts_with("import-");
    let goes = |name: &str, digest: &str| {
        let mut same = lines
            .iter()
            .filter(|(_, other)| *other == digest)
            .map(|(name, _)| *name);
        is_ours(name)
            || is_derived(name)
                && same.clone().any(is_ours)
                && same.all(|other| is_ours(other) || is_derived(other))
    };
    lines
        .iter()
        .filter(|(name, digest)| goes(name, digest))
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tool::{Tool, ToolPath};

    /// The shell that runs a node's script, where these programs come first.
    pub(super) fn shell(programs: &Path) -> Tool {
        let path = format!("{}:/usr/bin:/bin", programs.display());
        let tools = ToolPath::from_lookup(|key| (key == "PATH").then(|| path.clone().into()));
        tools.find("sh", "run a script").unwrap()
    }

    const LIST: &str = "\
REF                                  TYPE                        DIGEST    SIZE
docker.io/throughline/storefront:1   application/vnd.oci.image   sha256:a  14.0 MiB
import-2026-11-27@sha256:a           application/vnd.oci.image   sha256:a  14.0 MiB
sha256:00                            application/vnd.oci.image   sha256:a  14.0 MiB
docker.io/jaegertracing/jaeger:2     application/vnd.oci.image   sha256:b  80.0 MiB
docker.io/somebody/jaeger:mine       application/vnd.oci.image   sha256:b  80.0 MiB
sha256:01                            application/vnd.oci.image   sha256:b  80.0 MiB
registry.k8s.io/pause:3.10.1         application/vnd.oci.image   sha256:c  0.3 MiB
sha256:02                            application/vnd.oci.image   sha256:c  0.3 MiB
";

    fn names(images: &[&str]) -> Vec<String> {
        names_of(LIST, &images.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn an_image_goes_with_every_name_that_containerd_gave_it() {
        assert_eq!(
            names(&["docker.io/throughline/storefront:1"]),
            [
                "docker.io/throughline/storefront:1",
                "import-2026-11-27@sha256:a",
                "sha256:00"
            ]
        );
    }

    #[test]
    fn an_image_that_somebody_else_has_named_too_stays_theirs() {
        assert_eq!(
            names(&["docker.io/jaegertracing/jaeger:2"]),
            ["docker.io/jaegertracing/jaeger:2"]
        );
    }

    #[test]
    fn what_is_not_there_needs_no_removing() {
        assert!(names(&["docker.io/throughline/storefront:2"]).is_empty());
        assert!(names(&[]).is_empty());
    }
}
