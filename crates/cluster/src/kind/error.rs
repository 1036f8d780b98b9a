//! What kind's complaints mean. Its exit code is always 1, so its words have to be read.

use std::path::{Path, PathBuf};

use testbed::{Explain, ProcessError};

use crate::docker::last_line;

/// Why kind did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    /// Docker's Engine does not answer.
    #[error("kind can't reach the Docker Engine: {reason}")]
    Docker {
        /// The last words.
        reason: String,
    },
    /// There is a cluster of that name.
    #[error("there is a kind cluster {name:?} already")]
    Exists {
        /// Its name.
        name: String,
    },
    /// There is no cluster of that name.
    #[error("there is no kind cluster {name:?}")]
    Absent {
        /// Its name.
        name: String,
    },
    /// Neither Docker nor a registry has the node's image.
    #[error("the node image {image} is not in the local Docker and can't be pulled")]
    NodeImage {
        /// The image.
        image: String,
    },
    /// A port of the configuration is taken.
    #[error("kind can't publish a port of the node: {reason}")]
    Port {
        /// Which one, in Docker's words.
        reason: String,
    },
    /// Docker can't show the node a folder of this machine.
    #[error("Docker can't show the node a folder of this machine: {reason}")]
    Mount {
        /// Which one, in Docker's words.
        reason: String,
    },
    /// The configuration is not understood.
    #[error("kind does not understand its configuration: {reason}")]
    Config {
        /// Line and cause.
        reason: String,
    },
    /// The disk is full.
    #[error("no space left on the device while kind was at work: {reason}")]
    DiskFull {
        /// Its last words.
        reason: String,
    },
    /// The node came up and Kubernetes in it did not.
    #[error("Kubernetes did not come up in the node: {reason}")]
    ControlPlane {
        /// Its last words.
        reason: String,
        /// Everything that kind said.
        log: Option<PathBuf>,
    },
    /// Anything else.
    #[error("kind failed: {reason}")]
    Other {
        /// Its last words.
        reason: String,
        /// Everything that kind said.
        log: Option<PathBuf>,
    },
    /// It answered something that can't be read.
    #[error("the answer of `{command}` can't be read: {answer:?}")]
    Odd {
        /// The command.
        command: String,
        /// The answer.
        answer: String,
    },
    /// Its configuration can't be written.
    #[error("{path} can't be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl Explain for KindError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Docker { .. } => Some("start Docker and check with `docker info`".into()),
            Self::Exists { name } => Some(format!("if nobody needs it: `kind delete cluster --name {name}`")),
            Self::Absent { .. } => Some("see `kind get clusters`".into()),
            Self::NodeImage { image } => Some(format!(
                "`docker pull {image}`, or name another one with `THROUGHLINE_PIN_NODE`"
            )),
            Self::Port { .. } => Some("see who listens there with `ss --listening --tcp --processes`".into()),
            Self::Mount { .. } => Some(
                "let Docker see the project's folder: it may be on a file system of the user's own".into(),
            ),
            Self::Config { .. } => Some("see `kind-config.yaml`; another kind may know other keys".into()),
            Self::DiskFull { .. } => Some("free space, for instance with `docker system prune`".into()),
            Self::ControlPlane { log, .. } | Self::Other { log, .. } => log
                .as_ref()
                .map(|log| format!("everything that kind said is in {}", log.display())),
            Self::Process(error) => error.hint(),
            Self::Odd { .. } | Self::Write { .. } => None,
        }
    }
}

impl KindError {
    /// Reads what kind said. Most reasons stand on its last line; some have pages of other tools' output before it.
    pub(super) fn of(lines: &[String], log: Option<&Path>) -> Self {
        let text = lines.join("\n");
        let complaint = lines
            .iter()
            .rfind(|line| line.starts_with("ERROR: "))
            .map_or("", String::as_str);
        let reason = match last_line(&text) {
            // Without a complaint the last line is about progress.
            Some(line) if !complaint.is_empty() || text.contains("Cannot connect") => spoken(&line),
            _ => "it did not say why".into(),
        };
        let log = log.map(Path::to_owned);
        // The order matters: `failed to create cluster` is the beginning of most of them.
        if text.contains("Cannot connect to the Docker daemon") || text.contains("docker daemon running") {
            return Self::Docker { reason };
        }
        if complaint.contains("failed to get docker info") || complaint.contains("error listing nodes") {
            return Self::Docker { reason };
        }
        if complaint.contains("already exist for a cluster with the name") {
            return Self::Exists {
                name: quoted(complaint),
            };
        }
        for absent in [
            "could not locate any control plane nodes",
            "no nodes found for cluster",
            "unknown cluster",
        ] {
            if complaint.contains(absent) {
                return Self::Absent {
                    name: quoted(complaint),
                };
            }
        }
        if complaint.contains("failed to pull image") {
            return Self::NodeImage {
                image: quoted(complaint),
            };
        }
        if text.contains("address already in use") || text.contains("port is already allocated") {
            let about =
                |line: &&String| line.contains("already in use") || line.contains("already allocated");
            let reason = lines
                .iter()
                .rfind(about)
                .map_or(reason, |line| after_last(line, "Error response from daemon: "));
            return Self::Port { reason };
        }
        let about_mount = |line: &&String| {
            let refusals = [
                "creating mount source path",
                "mounts denied",
                "invalid mount config",
            ];
            refusals.into_iter().any(|refusal| line.contains(refusal))
        };
        if let Some(line) = lines.iter().rfind(about_mount) {
            let reason = after_last(line, "Error response from daemon: ");
            return Self::Mount { reason };
        }
        if text.contains("no space left on device") {
            return Self::DiskFull { reason };
        }
        if complaint.contains("unable to decode config") || complaint.contains("not a valid cluster name") {
            let reason = if complaint.ends_with(&reason) {
                after_last(complaint, "failed to create cluster: ")
            } else {
                reason
            };
            return Self::Config { reason };
        }
        if complaint.contains("failed to init node with kubeadm") || complaint.contains("failed to join node")
        {
            return Self::ControlPlane { reason, log };
        }
        Self::Other { reason, log }
    }
}

/// A line without what kind and others put before the reason.
fn spoken(line: &str) -> String {
    let line = line
        .trim_start_matches("ERROR: ")
        .trim_start_matches("Command Output: ");
    line.trim_start_matches("error: ").to_owned()
}

/// What stands in the first pair of quotation marks, double or single.
fn quoted(line: &str) -> String {
    let Some(start) = line.find(['"', '\'']) else {
        return String::new();
    };
    let mark = line[start..].chars().next().unwrap_or('"');
    line[start + 1..]
        .split(mark)
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn after_last(line: &str, marker: &str) -> String {
    line.rsplit_once(marker)
        .map_or(line, |(_, rest)| rest)
        .trim()
        .to_owned()
}
