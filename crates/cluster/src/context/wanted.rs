//! The objects that a run makes in a cluster that is there already.

use std::collections::BTreeMap;

use serde_json::json;

use super::{ContextError, ServiceImages};
use crate::error::ClusterError;
use crate::manifest::{self, Object, RUN_LABEL, Rendering, SERVICES};
use crate::options::Plan;
use crate::reference::ImageRef;
use crate::telepresence::MANAGER_NAMESPACE;

/// Everything that a run makes: the manifests without node ports, which may be somebody else's here, and the traffic
/// manager's namespace when it is installed. Without services' images it is only good for its names.
pub(super) fn wanted(
    plan: &Plan,
    label: &str,
    services: Option<&Services>,
    installs: bool,
) -> Result<Vec<Object>, ClusterError> {
    let upstream = [
        (manifest::JAEGER_REPOSITORY, &plan.pins.jaeger),
        (manifest::COLLECTOR_REPOSITORY, &plan.pins.collector),
    ];
    let pulled = services.is_some_and(|services| services.pulled);
    // A cluster that gets images by itself is held to the digest; what was put into nodes is known there by its tag alone.
    let name = |image: &ImageRef| {
        if pulled { image.to_string() } else { image.tagged() }
    };
    let upstream = upstream.map(|(repository, image)| (repository.to_owned(), name(image)));
    let images: BTreeMap<String, String> = match services {
        Some(services) => services.images.clone(),
        None => SERVICES
            .map(|service| (repository(service), repository(service)))
            .into(),
    };
    let mut objects = manifest::render(&Rendering {
        run: label.to_owned(),
        images: images.into_iter().chain(upstream).collect(),
        profile: plan.profile,
    })?;
    manifest::fit_into_a_shared_cluster(&mut objects, pulled);
    if installs {
        objects.insert(0, manager_namespace(label)?);
    }
    Ok(objects)
}

/// Made by us and not by helm, so that it is ours by its label, and goes again.
fn manager_namespace(label: &str) -> Result<Object, ClusterError> {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": MANAGER_NAMESPACE, "labels": {RUN_LABEL: label, "app.kubernetes.io/part-of": "throughline"}},
    });
    let file = "the traffic manager's namespace";
    let object = serde_json::from_value(object).map_err(|source| manifest::ManifestError::Shape {
        file,
        document: 1,
        source,
    })?;
    Ok(Object { file, object })
}

fn repository(service: &str) -> String {
    format!("{}/{service}", manifest::SERVICE_REPOSITORY)
}

/// The services' images as pods name them.
pub(super) struct Services {
    /// By the name that the manifests have: `throughline/order-service`.
    pub(super) images: BTreeMap<String, String>,
    /// Whether the nodes may look for them in a registry.
    pub(super) pulled: bool,
}

impl Services {
    pub(super) fn by_name(named: &ServiceImages) -> Result<Self, ContextError> {
        let image = |service: &str| {
            let image = named.image(service).map_err(|error| ContextError::Images {
                reason: error.to_string(),
                hint: "`--service-images registry.example.com/team:1.0`".into(),
            })?;
            Ok((repository(service), image.tagged()))
        };
        Ok(Self {
            images: SERVICES
                .into_iter()
                .map(image)
                .collect::<Result<_, ContextError>>()?,
            pulled: true,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use kube::ResourceExt;

    use super::*;
    use crate::binaries::Binaries;
    use crate::manifest::Profile;
    use crate::pins::Pins;

    pub(in crate::context) fn plan() -> Plan {
        Plan {
            pins: Pins::built_in().unwrap(),
            binaries: Binaries::Folder("/none".into()),
            profile: Profile::Synchronous,
            download: false,
            telepresence: true,
            reuse: false,
            prefix: "tl".into(),
            workstation_port: crate::WORKSTATION_PORT,
            locks: "/none".into(),
            machine_locks: "/none".into(),
            saved_images: "/none".into(),
        }
    }

    #[test]
    fn every_object_carries_the_label_and_asks_for_no_node_port() {
        let services = Services::by_name(&"registry.example.com/team:1.0".parse().unwrap()).unwrap();
        let objects = wanted(&plan(), "7f3a-00112233", Some(&services), true).unwrap();
        for object in &objects {
            let label = object.object.labels().get(RUN_LABEL).map(String::as_str);
            assert_eq!(
                label,
                Some("7f3a-00112233"),
                "{} {}",
                object.kind(),
                object.name()
            );
        }
        let text = serde_json::to_string(&objects.iter().map(|one| &one.object).collect::<Vec<_>>()).unwrap();
        assert!(!text.contains("odePort"), "{text}");
        assert!(!text.contains("\"Never\""), "a registry may be asked: {text}");
        assert!(
            text.contains("registry.example.com/team/order-service:1.0"),
            "{text}"
        );
    }

    #[test]
    fn a_cluster_that_pulls_by_itself_is_held_to_the_digest() {
        let mut plan = plan();
        let pinned = format!("mirror.example.com/jaeger:1.2@sha256:{}", "a".repeat(64));
        plan.pins.jaeger = pinned.parse().unwrap();
        let text = |services: &Services| {
            let objects = wanted(&plan, "7f3a", Some(services), false).unwrap();
            serde_json::to_string(&objects.iter().map(|one| &one.object).collect::<Vec<_>>()).unwrap()
        };
        let mut services = Services::by_name(&"registry.example.com/team:1.0".parse().unwrap()).unwrap();
        let by_name = text(&services);
        assert!(by_name.contains(&format!("\"{pinned}\"")), "{by_name}");
        // A node that the image was loaded into would look for the digest in a registry.
        services.pulled = false;
        let loaded = text(&services);
        assert!(loaded.contains("\"mirror.example.com/jaeger:1.2\""), "{loaded}");
    }

    #[test]
    fn images_that_were_put_into_the_nodes_are_never_looked_for_elsewhere() {
        let services = Services {
            images: SERVICES
                .map(|service| (repository(service), format!("{}:x", repository(service))))
                .into(),
            pulled: false,
        };
        let objects = wanted(&plan(), "7f3a", Some(&services), false).unwrap();
        let text = serde_json::to_string(&objects.iter().map(|one| &one.object).collect::<Vec<_>>()).unwrap();
        assert_eq!(text.matches("\"Never\"").count(), SERVICES.len());
        assert!(
            !text.contains("ambassador"),
            "the manager's namespace is its own: {text}"
        );
    }
}
