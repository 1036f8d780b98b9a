//! What the kubelet of a node has come to know from the API server.

use testbed::Deadline;

use super::{Node, when};
use crate::docker::DockerError;

/// Where the kubelet keeps the logs of pods: `NAMESPACE_POD_UID/CONTAINER/`.
const LOGS: &str = "/var/log/pods";

impl Node {
    /// Waits until the kubelet has read which Services there are. Until then it starts no container but those of its static pods,
    /// and says `Failed: services have not yet been read at least once` of every other, at which `telepresence helm install` gives
    /// up. It begins to ask before there is a server, and lets more time pass after each refusal: the longer the server took to
    /// come up, the later after that it knows.
    ///
    /// It tells nobody that it has read them. But it makes a folder for a container's log once it has put the container's
    /// environment together, for which it needs them; the first one is kube-proxy's, or that of the pod network.
    ///
    /// # Errors
    /// It has not before the deadline.
    pub async fn knows_services(&self, deadline: &Deadline) -> Result<(), DockerError> {
        self.wait_for("the node's knowledge of Services", &known(LOGS), deadline)
            .await
            .map(drop)
    }
}

/// A static pod's UID is a hash without hyphens; that of a pod which came from the server has four.
fn known(logs: &str) -> String {
    let begun = format!("{logs}/*_????????-????-????-????-????????????/*/");
    when(&format!("ls -d {begun} >/dev/null 2>&1"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use testbed::Exit;

    use super::*;
    use crate::node::tests::shell;
    use crate::testing::executable;

    const STATIC: &str = "kube-system_etcd-one-control-plane_35a5e9d5e1a2b7c3b2d1f0e9c8b7a695";
    const SERVED: &str = "kube-system_kube-proxy-xzlxr_1c0b7a5e-52b4-4a50-9c55-0d2f2f4f3a11";

    /// How the script ends with these folders, when no time passes between its looks.
    async fn ends(folders: &[&str]) -> Exit {
        let here = tempfile::tempdir().unwrap();
        executable(&here.path().join("sleep"), "exit 0");
        let logs = here.path().join("logs");
        for folder in folders {
            std::fs::create_dir_all(logs.join(folder)).unwrap();
        }
        let script = known(logs.to_str().unwrap());
        let deadline = Deadline::after(Duration::from_secs(30));
        let run = shell(here.path()).call(["-c", &script]).run(&deadline).await;
        run.unwrap().exit
    }

    #[tokio::test]
    async fn services_are_known_when_a_container_of_a_pod_from_the_server_has_begun() {
        const NOT_YET: Exit = Exit::Code(75);
        let (of_static, of_served) = (format!("{STATIC}/etcd"), format!("{SERVED}/kube-proxy"));
        assert_eq!(ends(&[&of_static, &of_served]).await, Exit::Code(0));
        assert_eq!(ends(&[&of_static]).await, NOT_YET, "only static pods");
        assert_eq!(ends(&[&of_static, SERVED]).await, NOT_YET, "no container yet");
        assert_eq!(ends(&[]).await, NOT_YET, "nothing yet");
    }
}
