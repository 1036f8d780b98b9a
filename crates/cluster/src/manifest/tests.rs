//! Rules that every manifest keeps, and that the rules can be broken.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::pins::Pins;
use crate::reference::ImageRef;

/// Every document of every file, as it is written.
fn documents() -> Vec<(&'static str, Value)> {
    let files = FILES.into_iter().chain([BATCHED]);
    files
        .flat_map(|file| {
            parse(file)
                .unwrap()
                .into_iter()
                .map(move |document| (file.name, document))
        })
        .collect()
}

fn rendering() -> Rendering {
    let pins = Pins::built_in().unwrap();
    let upstream = [
        (JAEGER_REPOSITORY, &pins.jaeger),
        (COLLECTOR_REPOSITORY, &pins.collector),
    ]
    .map(|(repository, image)| (repository.to_owned(), image.tagged()));
    let services = SERVICES.map(|service| {
        let repository = format!("{SERVICE_REPOSITORY}/{service}");
        (repository.clone(), format!("{repository}:0123456789ab"))
    });
    Rendering {
        run: "7f3a".into(),
        images: upstream.into_iter().chain(services).collect(),
        profile: Profile::Synchronous,
    }
}

/// Every rule that a document breaks.
fn violations(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut rule = |kept: bool, what: &str| {
        if !kept {
            found.push(what.to_owned());
        }
    };
    let text = |path: &str| document.pointer(path).and_then(Value::as_str);
    rule(
        text("/metadata/labels/app.kubernetes.io~1part-of") == Some("throughline"),
        "labelled as a part of throughline",
    );
    rule(
        text("/metadata/labels/throughline.dev~1run") == Some(BY_HAND),
        "labelled with a run",
    );
    match text("/kind") {
        Some("Service") => {
            for port in document
                .pointer("/spec/ports")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                rule(port["targetPort"].is_string(), "target ports are named");
                rule(
                    port["appProtocol"].is_string(),
                    "the protocol of a port is stated",
                );
            }
        }
        Some("Deployment") => {
            let pod = document
                .pointer("/spec/template/spec")
                .cloned()
                .unwrap_or_default();
            let at = |path: &str| pod.pointer(path).cloned().unwrap_or_default();
            rule(
                document.pointer("/spec/replicas") == Some(&json!(1)),
                "one replica",
            );
            rule(
                text("/spec/template/metadata/labels/throughline.dev~1run") == Some(BY_HAND),
                "pods labelled with a run",
            );
            rule(pod["enableServiceLinks"] == json!(false), "no service links");
            let token = pod["automountServiceAccountToken"].as_bool();
            rule(
                token == Some(pod.get("serviceAccountName").is_some()),
                "a token only with a service account of its own",
            );
            rule(at("/securityContext/runAsNonRoot") == json!(true), "not root");
            rule(
                at("/securityContext/seccompProfile/type") == json!("RuntimeDefault"),
                "seccomp profile",
            );
            for container in pod["containers"].as_array().into_iter().flatten() {
                let at = |path: &str| container.pointer(path).cloned().unwrap_or_default();
                let image = container["image"]
                    .as_str()
                    .unwrap_or_default()
                    .parse::<ImageRef>();
                let ours = image
                    .as_ref()
                    .is_ok_and(|image| image.name().starts_with("throughline/"));
                rule(image.is_ok(), "every image has a tag");
                let policy = if ours { "Never" } else { "IfNotPresent" };
                rule(
                    container["imagePullPolicy"] == json!(policy),
                    "no image is pulled that can't be, or is there",
                );
                rule(
                    at("/readinessProbe/periodSeconds") == json!(1),
                    "readiness probed every second",
                );
                rule(
                    at("/readinessProbe/httpGet/port").is_string(),
                    "the probe's port is named",
                );
                rule(
                    container.get("livenessProbe").is_none(),
                    "no restart that hides a hang",
                );
                for path in ["requests/cpu", "requests/memory", "limits/cpu", "limits/memory"] {
                    rule(at(&format!("/resources/{path}")).is_string(), path);
                }
                rule(
                    at("/securityContext/readOnlyRootFilesystem") == json!(true),
                    "read-only root",
                );
                rule(
                    at("/securityContext/allowPrivilegeEscalation") == json!(false),
                    "no privilege escalation",
                );
                rule(
                    at("/securityContext/capabilities/drop") == json!(["ALL"]),
                    "no capabilities",
                );
            }
        }
        _ => {}
    }
    found
}

#[test]
fn every_manifest_keeps_every_rule() {
    for (file, document) in documents() {
        assert_eq!(
            violations(&document),
            Vec::<String>::new(),
            "{file}: {:?}",
            identity(&document)
        );
    }
}

#[rstest]
#[case::tag("/spec/template/spec/containers/0/image", json!("jaeger"), "every image has a tag")]
#[case::policy("/spec/template/spec/containers/0/imagePullPolicy", json!("Always"), "no image is pulled")]
#[case::probe("/spec/template/spec/containers/0/readinessProbe", json!(null), "readiness probed")]
#[case::root("/spec/template/spec/securityContext/runAsNonRoot", json!(false), "not root")]
#[case::drop("/spec/template/spec/containers/0/securityContext/capabilities", json!({}), "no capabilities")]
#[case::replicas("/spec/replicas", json!(2), "one replica")]
#[case::run("/metadata/labels", json!({}), "labelled with a run")]
fn a_broken_deployment_is_noticed(#[case] path: &str, #[case] value: Value, #[case] rule: &str) {
    let (_, mut document) = documents()
        .into_iter()
        .find(|(_, document)| document["kind"] == "Deployment")
        .unwrap();
    *document.pointer_mut(path).unwrap() = value;
    assert!(
        violations(&document).iter().any(|found| found.starts_with(rule)),
        "{:?}",
        violations(&document)
    );
}

#[test]
fn a_numbered_target_port_is_noticed() {
    let (_, mut document) = documents()
        .into_iter()
        .find(|(_, document)| document["kind"] == "Service")
        .unwrap();
    document["spec"]["ports"][0]["targetPort"] = json!(4317);
    assert_eq!(violations(&document), ["target ports are named"]);
}

#[test]
fn images_in_the_files_are_the_built_in_pins() {
    let pins = Pins::built_in().unwrap();
    let pinned = BTreeSet::from([pins.jaeger.to_string(), pins.collector.to_string()]);
    let services = SERVICES.map(|service| format!("{SERVICE_REPOSITORY}/{service}:dev"));
    let expected: BTreeSet<String> = pinned.into_iter().chain(services).collect();
    let found: BTreeSet<String> = documents()
        .iter()
        .filter_map(|(_, document)| {
            document
                .pointer("/spec/template/spec/containers/0/image")?
                .as_str()
        })
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn every_file_of_the_folder_is_applied() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    found.sort();
    assert_eq!(found, FILES.map(|file| file.name.to_owned()));
}

#[test]
fn services_answer_under_the_names_the_walkthrough_uses() {
    let services: BTreeSet<String> = documents()
        .iter()
        .filter(|(_, document)| document["kind"] == "Service")
        .map(|(_, document)| {
            identity(document)[1..]
                .iter()
                .rev()
                .map(|part| part.unwrap())
                .collect::<Vec<_>>()
                .join(".")
        })
        .collect();
    for name in [
        "otel-collector.observability",
        "order-service.demo",
        "inventory-service.demo",
        "storefront.demo",
    ] {
        assert!(services.contains(name), "{name} in {services:?}");
    }
}

#[test]
fn rendering_puts_the_run_on_every_object_and_pod() {
    let objects = render(&rendering()).unwrap();
    assert_eq!(
        objects.len(),
        documents().len() - 1,
        "the batched profile replaces, it does not add"
    );
    for Object { file, object } in &objects {
        let labels = object.metadata.labels.clone().unwrap_or_default();
        assert_eq!(labels.get(RUN_LABEL).map(String::as_str), Some("7f3a"), "{file}");
        if let Some(labels) = object.data.pointer("/spec/template/metadata/labels") {
            assert_eq!(labels[RUN_LABEL], "7f3a", "{file}");
        }
    }
    assert!(
        !serde_json::to_string(&objects.iter().map(|object| &object.object).collect::<Vec<_>>())
            .unwrap()
            .contains(BY_HAND)
    );
}

#[test]
fn rendering_replaces_images_by_repository() {
    let mut rendering = rendering();
    rendering.images.insert(
        "jaegertracing/jaeger".into(),
        "registry.example.com:5000/mirror/jaeger:9".into(),
    );
    let objects = render(&rendering).unwrap();
    let images: BTreeSet<&str> = objects.iter().flat_map(Object::images).collect();
    assert!(
        images.contains("registry.example.com:5000/mirror/jaeger:9"),
        "{images:?}"
    );
    assert!(
        images.contains("throughline/order-service:0123456789ab"),
        "{images:?}"
    );
    assert!(!images.iter().any(|image| image.ends_with(":dev")), "{images:?}");
}

#[test]
fn an_image_without_a_version_is_an_error() {
    let mut rendering = rendering();
    rendering.images.remove("throughline/storefront");
    let error = render(&rendering).unwrap_err();
    assert!(
        matches!(
            &error,
            ManifestError::Image {
                file: "50-storefront.yaml",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn another_profile_rolls_the_collector_and_nothing_else() {
    let config = |profile| {
        let objects = render(&Rendering {
            profile,
            ..rendering()
        })
        .unwrap();
        let annotation = format!(
            "/spec/template/metadata/annotations/{}",
            CONFIG_ANNOTATION.replace('/', "~1")
        );
        let of = |name: &str| {
            let object = objects
                .iter()
                .find(|object| object.kind() == "Deployment" && object.name() == name)
                .unwrap();
            object.object.data.pointer(&annotation).cloned()
        };
        (of("otel-collector"), of("jaeger"), of("order-service"))
    };
    let (synchronous, batched) = (config(Profile::Synchronous), config(Profile::Batched));
    assert_ne!(synchronous.0, batched.0);
    assert!(synchronous.0.is_some() && synchronous.1.is_some());
    assert_eq!((synchronous.1, synchronous.2), (batched.1, None));
}
