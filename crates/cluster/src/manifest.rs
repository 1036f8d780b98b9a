//! The manifests of `manifests/`, made ready for one run: its label, its images, its Collector profile.
//!
//! What the harness applies is what a person would apply by hand; only values are replaced, never shapes.

mod shared;

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::Value;
use sha2::{Digest, Sha256};
use testbed::Explain;

pub(crate) use shared::fit_into_a_shared_cluster;

/// Label by which a workload's pods are found.
pub const NAME_LABEL: &str = "app.kubernetes.io/name";
/// Label on every object, and on every pod, that says which run put it there.
pub const RUN_LABEL: &str = "throughline.dev/run";
/// Its value in the files.
pub const BY_HAND: &str = "by-hand";
/// Annotation on a pod template: a digest of the configuration it mounts, so that a changed one rolls the pods.
pub const CONFIG_ANNOTATION: &str = "throughline.dev/config";
/// Namespace of the Collector and Jaeger.
pub const OBSERVABILITY: &str = "observability";
/// Namespace of the services.
pub const APPLICATION: &str = "demo";
/// The services, in the order in which requests pass through them.
pub const SERVICES: [&str; 3] = ["storefront", "order-service", "inventory-service"];
/// Image repository of the services: `throughline/order-service`.
pub const SERVICE_REPOSITORY: &str = "throughline";
/// Image repository of Jaeger in the files.
pub const JAEGER_REPOSITORY: &str = "jaegertracing/jaeger";
/// Image repository of the Collector in the files.
pub const COLLECTOR_REPOSITORY: &str = "otel/opentelemetry-collector-k8s";

/// A file of `manifests/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestFile {
    /// Its path below `manifests/`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! manifest_file {
    ($name:literal) => {
        ManifestFile {
            name: $name,
            text: include_str!(concat!("../../../manifests/", $name)),
        }
    };
}

/// All that is applied, in order.
pub const FILES: [ManifestFile; 6] = [
    manifest_file!("00-namespaces.yaml"),
    manifest_file!("10-jaeger.yaml"),
    manifest_file!("20-collector.yaml"),
    manifest_file!("30-inventory.yaml"),
    manifest_file!("40-order.yaml"),
    manifest_file!("50-storefront.yaml"),
];

/// What replaces the Collector's configuration under [`Profile::Batched`].
pub const BATCHED: ManifestFile = manifest_file!("profiles/collector-batched.yaml");

/// The selector of a run's objects, by [`RUN_LABEL`].
#[must_use]
pub fn of_run(run: &str) -> String {
    format!("{RUN_LABEL}={run}")
}

/// How the Collector treats what it receives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// An acknowledged export is stored in Jaeger: for proofs.
    #[default]
    Synchronous,
    /// Batches, queues and repetitions, as in production.
    Batched,
}

/// What is put into the manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// The value of [`RUN_LABEL`].
    pub run: String,
    /// Image for each repository that the files name: `jaegertracing/jaeger` → `registry.example.com/jaeger:2.13.0`.
    pub images: BTreeMap<String, String>,
    /// The Collector's profile.
    pub profile: Profile,
}

/// An object to apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The file it stands in, for messages.
    pub file: &'static str,
    /// The object.
    pub object: DynamicObject,
}

impl Object {
    /// `Deployment`, `Service`, …
    #[must_use]
    pub fn kind(&self) -> &str {
        self.object.types.as_ref().map_or("", |types| &types.kind)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// The images that its pods run.
    #[must_use]
    pub fn images(&self) -> Vec<&str> {
        let containers = self
            .object
            .data
            .pointer("/spec/template/spec/containers")
            .and_then(Value::as_array);
        containers
            .into_iter()
            .flatten()
            .filter_map(|container| container.get("image")?.as_str())
            .collect()
    }
}

/// Why a manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not YAML.
    #[error("manifests/{file} can't be read")]
    Yaml {
        /// The file.
        file: &'static str,
        /// Line, column and cause.
        source: Box<serde_saphyr::Error>,
    },
    /// YAML, but no Kubernetes object.
    #[error("document {document} of manifests/{file} is no Kubernetes object")]
    Shape {
        /// The file.
        file: &'static str,
        /// Its number in the file, from 1.
        document: usize,
        /// What is missing.
        source: serde_json::Error,
    },
    /// An image that no pin decides.
    #[error("manifests/{file} runs the image {image}, whose version nothing decides")]
    Image {
        /// The file.
        file: &'static str,
        /// The image.
        image: String,
    },
}

impl Explain for ManifestError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Image { .. } => Some("give it a line in `crates/upstream/pins.yaml`".into()),
            Self::Yaml { .. } | Self::Shape { .. } => None,
        }
    }
}

/// The objects of all files, in the order in which they are applied.
///
/// # Errors
/// A file that can't be read, or an image that `rendering` has no version for.
pub fn render(rendering: &Rendering) -> Result<Vec<Object>, ManifestError> {
    let mut documents = Vec::new();
    for file in FILES {
        documents.extend(parse(file)?.into_iter().map(|document| (file.name, document)));
    }
    if rendering.profile == Profile::Batched {
        for replacement in parse(BATCHED)? {
            for (file, document) in &mut documents {
                if identity(document) == identity(&replacement) {
                    *file = BATCHED.name;
                    document.clone_from(&replacement);
                }
            }
        }
    }
    let configurations = documents
        .iter()
        .filter_map(|(_, document)| configuration(document))
        .collect();
    let mut objects = Vec::with_capacity(documents.len());
    for (place, (file, mut document)) in documents.into_iter().enumerate() {
        label(&mut document, &rendering.run);
        set_images(file, &mut document, &rendering.images)?;
        annotate_configuration(&mut document, &configurations);
        let object = serde_json::from_value(document).map_err(|source| ManifestError::Shape {
            file,
            document: place + 1,
            source,
        })?;
        objects.push(Object { file, object });
    }
    Ok(objects)
}

fn parse(file: ManifestFile) -> Result<Vec<Value>, ManifestError> {
    serde_saphyr::from_multiple(file.text).map_err(|source| ManifestError::Yaml {
        file: file.name,
        source: Box::new(source),
    })
}

/// What makes two documents the same object.
fn identity(document: &Value) -> [Option<&str>; 3] {
    ["/kind", "/metadata/namespace", "/metadata/name"]
        .map(|path| document.pointer(path).and_then(Value::as_str))
}

/// Namespace and name of a `ConfigMap`, with the digest of its data.
fn configuration(document: &Value) -> Option<((String, String), String)> {
    let [kind, namespace, name] = identity(document);
    if kind != Some("ConfigMap") {
        return None;
    }
    let digest = const_hex::encode(Sha256::digest(document.get("data")?.to_string()));
    Some(((namespace?.to_owned(), name?.to_owned()), digest[..12].to_owned()))
}

fn label(document: &mut Value, run: &str) {
    for path in ["/metadata/labels", "/spec/template/metadata/labels"] {
        if let Some(value) = document
            .pointer_mut(path)
            .and_then(|labels| labels.get_mut(RUN_LABEL))
        {
            *value = run.into();
        }
    }
}

fn set_images(
    file: &'static str,
    document: &mut Value,
    images: &BTreeMap<String, String>,
) -> Result<(), ManifestError> {
    for list in [
        "/spec/template/spec/containers",
        "/spec/template/spec/initContainers",
    ] {
        for container in document
            .pointer_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let Some(image) = container.get_mut("image") else {
                continue;
            };
            let written = image.as_str().unwrap_or_default();
            let repository = written
                .rsplit_once(':')
                .map_or(written, |(repository, _)| repository);
            match images.get(repository) {
                Some(decided) => *image = decided.as_str().into(),
                None => {
                    return Err(ManifestError::Image {
                        file,
                        image: written.to_owned(),
                    });
                }
            }
        }
    }
    Ok(())
}

fn annotate_configuration(document: &mut Value, configurations: &BTreeMap<(String, String), String>) {
    let namespace = document
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let volumes = document
        .pointer("/spec/template/spec/volumes")
        .and_then(Value::as_array);
    let digests: Vec<&str> = volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| volume.pointer("/configMap/name")?.as_str())
        .filter_map(|name| configurations.get(&(namespace.clone(), name.to_owned())))
        .map(String::as_str)
        .collect();
    let joined = digests.join(".");
    if let Some(metadata) = document
        .pointer_mut("/spec/template/metadata")
        .and_then(Value::as_object_mut)
        && !joined.is_empty()
    {
        metadata.insert(
            "annotations".into(),
            serde_json::json!({ CONFIG_ANNOTATION: joined }),
        );
    }
}

#[cfg(test)]
#[path = "manifest/tests.rs"]
mod tests;
