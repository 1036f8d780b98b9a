//! Images put into the nodes of a kind cluster that somebody else has made.

use std::collections::BTreeSet;

use testbed::Deadline;

use crate::bring_up::archived;
use crate::docker::Docker;
use crate::error::ClusterError;
use crate::image::ServiceImage;
use crate::node::Node;
use crate::options::Plan;
use crate::reference::ImageRef;

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

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let services = self.services.iter().map(ServiceImage::reference);
        self.upstream.iter().chain(services).map(ImageRef::canonical)
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
