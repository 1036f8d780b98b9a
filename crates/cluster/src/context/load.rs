//! Images put into the nodes of a kind cluster that somebody else has made.

use std::collections::{BTreeMap, BTreeSet};

use testbed::Deadline;

use crate::bring_up::archived;
use crate::docker::Docker;
use crate::error::ClusterError;
use crate::image::ServiceImage;
use crate::node::Node;
use crate::options::Plan;
use crate::reference::ImageRef;

/// What is put into each node, by its container. The undo takes away just that: what a node had before is somebody else's.
pub(super) fn by_node<'a>(
    lacking: impl IntoIterator<Item = &'a (&'a Node, Lacking)>,
) -> BTreeMap<String, Vec<String>> {
    let each = lacking
        .into_iter()
        .map(|(node, lacking)| (node.container().to_owned(), lacking.names()));
    each.filter(|(_, names)| !names.is_empty()).collect()
}

/// Images that a node has not.
pub(super) struct Lacking {
    upstream: Vec<ImageRef>,
    services: Vec<ServiceImage>,
}

impl Lacking {
    pub(super) fn of(present: &BTreeSet<String>, packed: &[ServiceImage], plan: &Plan) -> Self {
        let lacks = |image: &ImageRef| !present.contains(&image.canonical());
        let upstream = plan.upstream().into_iter().filter(|image| lacks(image)).cloned();
        let services = packed.iter().filter(|image| lacks(image.reference())).cloned();
        Self {
            upstream: upstream.collect(),
            services: services.collect(),
        }
    }

    /// As containerd names them.
    fn names(&self) -> Vec<String> {
        let services = self.services.iter().map(ServiceImage::reference);
        let all = self.upstream.iter().chain(services);
        all.map(ImageRef::canonical).collect()
    }

    pub(super) async fn load(
        &self,
        node: &Node,
        docker: &Docker,
        download: bool,
        deadline: &Deadline,
    ) -> Result<(), ClusterError> {
        if !self.upstream.is_empty() {
            if download {
                let wanted: Vec<&ImageRef> = self.upstream.iter().collect();
                docker.pull_lacking(&wanted, deadline).await?;
            }
            node.import_from_docker(&self.upstream, deadline).await?;
        }
        if !self.services.is_empty() {
            node.import(archived(self.services.clone()).await?, deadline)
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::wanted::tests::plan;
    use crate::testing::{executable, tools_in};

    #[test]
    fn what_a_node_had_before_is_not_taken_from_it() {
        let folder = tempfile::tempdir().unwrap();
        executable(&folder.path().join("docker"), "");
        let docker = Docker::new(tools_in(folder.path()).find("docker", "test").unwrap());
        let plan = plan();
        let all: Vec<String> = plan.upstream().into_iter().map(ImageRef::canonical).collect();
        let nodes = ["x-control-plane", "x-worker", "x-worker2"];
        let nodes = nodes.map(|name| Node::named(docker.clone(), name.to_owned()));
        let present = [all[..1].iter(), all[1..].iter(), all.iter()];
        let lacking: Vec<(&Node, Lacking)> = nodes
            .iter()
            .zip(present)
            .map(|(node, present)| (node, Lacking::of(&present.cloned().collect(), &[], &plan)))
            .collect();
        let expected = [
            ("x-control-plane".to_owned(), all[1..].to_vec()),
            ("x-worker".to_owned(), all[..1].to_vec()),
        ];
        assert_eq!(by_node(&lacking), BTreeMap::from(expected));
    }
}
