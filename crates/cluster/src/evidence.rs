//! Whatever explains a failure in the cluster, copied into the run directory, without secrets.

mod kubernetes;
mod node_logs;
mod shelf;
mod workstation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::{Collected, Deadline};

use crate::telepresence::Witness;
use crate::tool::ToolPath;
pub use node_logs::NodeLogs;
use shelf::Shelf;

/// How long all of it may take. Each part is left out, with a note, when it can't be had.
const LIMIT: Duration = Duration::from_secs(30);

/// Where evidence comes from; needs no environment that is up.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The kind cluster and kind itself, if the cluster is ours.
    pub kind: Option<NodeLogs>,
    /// The kubeconfig, which is there as soon as the API server was.
    pub kubeconfig: PathBuf,
    /// Whose cluster it is.
    pub whose: Whose,
    /// Telepresence, when services are intercepted.
    pub telepresence: Option<Witness>,
    /// Where the tools are that show this machine's network.
    pub tools: ToolPath,
}

/// Whose a cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The run's, with all that is in it.
    Ours,
    /// Somebody else's, where a run with this label is a guest. What others have there is not looked into, also in a namespace that
    /// the run was allowed to use.
    Theirs {
        /// The value of the run's label.
        label: String,
    },
}

/// Collects everything at the same time. `folder` is below `run_dir`; what can't be had is named in `missing.txt`.
pub async fn collect(sources: &Sources, folder: &Path, run_dir: &Path) -> Vec<Collected> {
    let deadline = Deadline::after(LIMIT);
    let shelf = Shelf {
        folder: folder.to_owned(),
        run_dir: run_dir.to_owned(),
    };
    let kubernetes = kubernetes::collect(sources, &shelf, &deadline);
    let kind = async {
        match &sources.kind {
            Some(node) => node_logs::collect(node, &shelf, &deadline).await,
            None => Vec::new(),
        }
    };
    let workstation = async {
        let Some(witness) = &sources.telepresence else {
            return Vec::new();
        };
        let mut pieces = workstation::telepresence(witness, &shelf, &deadline).await;
        pieces.push(workstation::network(&sources.tools, &shelf, &deadline).await);
        pieces
    };
    let (mut found, from_kind, from_here) = tokio::join!(kubernetes, kind, workstation);
    found.extend(from_kind.into_iter().chain(from_here));
    let missing: Vec<&str> = found
        .iter()
        .filter_map(|part| part.as_ref().err())
        .map(String::as_str)
        .collect();
    let missing = (!missing.is_empty())
        .then(|| shelf.keep("what could not be had", "missing.txt", &missing.join("\n")));
    found.into_iter().chain(missing).filter_map(Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_can_t_be_had_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources {
            kind: None,
            kubeconfig: folder.path().join("none"),
            whose: Whose::Ours,
            telepresence: None,
            tools: ToolPath::default(),
        };
        let evidence = folder.path().join("evidence");
        let collected = collect(&sources, &evidence, folder.path()).await;
        assert_eq!(collected.len(), 1);
        assert_eq!(collected[0].path, Path::new("evidence/missing.txt"));
        let missing = std::fs::read_to_string(evidence.join("missing.txt")).unwrap();
        assert!(missing.contains("there was no API server yet"), "{missing}");
    }
}
