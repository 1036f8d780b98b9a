//! How the services' images come into a cluster that is not ours: by name, out of a registry that the cluster can reach or
//! from its nodes, where they may be already; or into the nodes of a kind cluster on this machine.

use std::str::FromStr;

use kube::config::Kubeconfig;
use testbed::Deadline;

use super::{ContextError, ContextOptions, kubeconfig};
use crate::docker::Docker;
use crate::kind::Kind;
use crate::node::Node;
use crate::reference::{ImageRef, InvalidReference};
use crate::tool::ToolPath;

/// The tag that a person gives by hand; see docs/CONTEXT.md.
const BY_HAND: &str = "dev";
/// The port of the API server in a node.
const SERVER_PORT: u16 = 6443;

/// Names of the services' images: `PREFIX/order-service:TAG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceImages {
    prefix: String,
    tag: String,
}

impl ServiceImages {
    /// The image of a service.
    ///
    /// # Errors
    /// None for one that was parsed.
    pub fn image(&self, service: &str) -> Result<ImageRef, InvalidReference> {
        format!("{}/{service}:{}", self.prefix, self.tag).parse()
    }
}

impl FromStr for ServiceImages {
    type Err = InvalidReference;

    /// `registry.example.com/team`, or with a tag other than `dev`: `registry.example.com/team:1.0`.
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        // A colon before the last slash belongs to the registry's port.
        let (prefix, tag) = match text.rsplit_once(':') {
            Some((prefix, tag)) if !tag.contains('/') => (prefix, tag),
            _ => (text, BY_HAND),
        };
        let images = Self {
            prefix: prefix.trim_end_matches('/').to_owned(),
            tag: tag.to_owned(),
        };
        images.image("service").map_err(|error| InvalidReference {
            text: text.to_owned(),
            wanted: "the beginning of an image's name, with or without a tag",
            ..error
        })?;
        Ok(images)
    }
}

/// How they come in.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// The cluster finds them by name.
    ByName(ServiceImages),
    /// They are built here and put into these nodes.
    IntoNodes(Vec<Node>),
}

/// Finds the way.
pub(super) async fn way(
    options: &ContextOptions,
    config: &Kubeconfig,
    tools: &ToolPath,
    deadline: &Deadline,
) -> Result<Way, ContextError> {
    if let Some(images) = &options.service_images {
        return Ok(Way::ByName(images.clone()));
    }
    match nodes(options, config, tools, deadline).await {
        Ok(nodes) => Ok(Way::IntoNodes(nodes)),
        Err(reason) => Err(ContextError::Images {
            reason: format!(
                "the services' images can't be put into the nodes of {} from here: {reason}",
                options.context
            ),
            hint: "push them to a registry that the cluster pulls from, and name it with `--service-images PREFIX[:TAG]`; \
                   docs/CONTEXT.md has the commands"
                .into(),
        }),
    }
}

/// The nodes, when this is a kind cluster whose containers run on this machine.
async fn nodes(
    options: &ContextOptions,
    config: &Kubeconfig,
    tools: &ToolPath,
    deadline: &Deadline,
) -> Result<Vec<Node>, String> {
    let name = options.context.strip_prefix("kind-");
    let name = name.ok_or("its name does not begin with `kind-`")?;
    let kind = tools
        .find("kind", "find the cluster's nodes")
        .map_err(|error| error.to_string())?;
    let docker = tools
        .find("docker", "put images into nodes")
        .map_err(|error| error.to_string())?;
    let (kind, docker) = (Kind::new(kind), Docker::new(docker));
    let nodes = kind
        .nodes(name, deadline)
        .await
        .map_err(|error| error.to_string())?;
    if nodes.is_empty() {
        return Err(format!("kind has no cluster {name:?} on this machine"));
    }
    // A context may have the name of one cluster and lead to another one.
    let container = format!("{name}-control-plane");
    let published = docker.published(&container, SERVER_PORT, deadline).await;
    let published = published.map_err(|error| error.to_string())?;
    let server = kubeconfig::server(config).unwrap_or_default();
    if server.rsplit(':').next() != Some(&published.port().to_string()) {
        return Err(format!(
            "it leads to {server}, and the API server of kind's {name} is at {published}"
        ));
    }
    Ok(nodes
        .into_iter()
        .map(|node| Node::named(docker.clone(), node))
        .collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("registry.example.com/team", "registry.example.com/team/order-service:dev")]
    #[case(
        "registry.example.com:5000/team:1.0",
        "registry.example.com:5000/team/order-service:1.0"
    )]
    #[case(
        "registry.example.com:5000/team/",
        "registry.example.com:5000/team/order-service:dev"
    )]
    #[case("throughline", "throughline/order-service:dev")]
    fn a_prefix_names_every_service(#[case] text: &str, #[case] image: &str) {
        let images: ServiceImages = text.parse().unwrap();
        assert_eq!(images.image("order-service").unwrap().to_string(), image);
    }

    #[rstest]
    #[case("")]
    #[case("Team")]
    #[case("team:")]
    #[case("team@sha256:1")]
    fn what_is_no_prefix_is_refused(#[case] text: &str) {
        text.parse::<ServiceImages>().unwrap_err();
    }
}
