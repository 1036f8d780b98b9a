//! Everything of a run taken out of a cluster that stays: by whoever is still there to do it.
//!
//! What is to be undone is data in a journal, so it has to be a command. It is this program itself, linked into the run
//! directory: neither kubectl nor helm need be there, and a build that came later does not matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use testbed::{Deadline, Deed};

use crate::docker::{Docker, DockerError};
use crate::error::ClusterError;
use crate::kubernetes::{client, sweep};
use crate::node::Node;
use crate::tool::ToolPath;

/// How long it may take: pods end within six seconds, and a namespace takes its controller ten more.
const LIMIT: Duration = Duration::from_secs(120);
/// How long the API server is waited for. One that is gone for good should not hold everything up.
const REACH: Duration = Duration::from_secs(20);

/// What is taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The run's own kubeconfig.
    pub kubeconfig: PathBuf,
    /// The value of the run's label.
    pub run: String,
    /// Images that were put into nodes, by the container of the node: one node may have had what another had not.
    pub images: BTreeMap<String, Vec<String>>,
}

impl Withdrawal {
    /// What a journal keeps: `PROGRAM withdraw WHAT`, with the variables that tools see.
    pub(super) fn deed(&self, program: &Path, tools: &ToolPath) -> Result<Deed, ClusterError> {
        let what = serde_json::to_string(self).map_err(|error| ClusterError::Write {
            what: "the journal".into(),
            source: error.into(),
        })?;
        Ok(Deed::Command {
            program: program.to_owned(),
            args: vec!["withdraw".into(), what],
            env: tools.variables(),
            limit: LIMIT,
        })
    }

    /// Removes every object with the run's label and waits until they are gone, namespaces too; then the images. What is
    /// gone already is fine.
    ///
    /// # Errors
    /// Something is left: the first reason, after everything was tried.
    pub async fn perform(&self, tools: &ToolPath) -> Result<(), ClusterError> {
        let deadline = Deadline::after(LIMIT);
        let objects = self.objects(&deadline).await;
        let images = self.images(tools, &deadline).await;
        objects.and(images)
    }

    async fn objects(&self, deadline: &Deadline) -> Result<(), ClusterError> {
        let client = client::connect(&self.kubeconfig, None).await?;
        client::answers(&client, &deadline.within(REACH)).await?;
        sweep::sweep(&client, &self.run, deadline).await?;
        sweep::gone(&client, &self.run, deadline).await?;
        Ok(())
    }

    async fn images(&self, tools: &ToolPath, deadline: &Deadline) -> Result<(), ClusterError> {
        if self.images.is_empty() {
            return Ok(());
        }
        let docker = Docker::new(tools.find("docker", "remove images from nodes")?);
        for (node, images) in &self.images {
            match Node::named(docker.clone(), node.clone())
                .remove(images, deadline)
                .await
            {
                // The cluster was deleted, and its images with it.
                Ok(()) | Err(DockerError::NoContainer { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Reads the argument of the hidden verb.
///
/// # Errors
/// It is not what [`Withdrawal`] is written as.
pub fn parse(what: &str) -> Result<Withdrawal, serde_json::Error> {
    serde_json::from_str(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_journal_is_what_is_done() {
        let withdrawal = Withdrawal {
            kubeconfig: "/runs/7f3a/kubeconfig".into(),
            run: "7f3a-00112233".into(),
            images: BTreeMap::from([(
                "x-control-plane".into(),
                vec!["docker.io/throughline/storefront:0123".into()],
            )]),
        };
        let tools = ToolPath::from_lookup(|key| (key == "PATH").then(|| "/bin".into()));
        let deed = withdrawal.deed(Path::new("/runs/7f3a/withdraw"), &tools).unwrap();
        let Deed::Command {
            program, args, env, ..
        } = deed
        else {
            panic!("{deed:?}");
        };
        assert_eq!(
            (program, args[0].as_str()),
            ("/runs/7f3a/withdraw".into(), "withdraw")
        );
        assert_eq!(parse(&args[1]).unwrap(), withdrawal);
        assert_eq!(env.get("PATH").map(String::as_str), Some("/bin"));
    }
}
