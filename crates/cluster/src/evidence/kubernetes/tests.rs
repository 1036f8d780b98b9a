//! A cluster of somebody else with their things beside the run's, played by a server that selects by labels as the real one does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::telepresence::Telepresence;
use crate::tool::ToolPath;

const RUN: &str = "throughline.dev/run";

fn object(kind: &str, name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {"name": name, "namespace": "n", "labels": labels},
        "spec": {"nodeName": format!("node-of-{name}")},
        "status": {"containerStatuses": [
            {"name": "main", "ready": true, "restartCount": 0, "image": "", "imageID": ""},
        ]},
    })
}

fn event(kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{kind}.{name}"), "namespace": "n"},
        "involvedObject": {"kind": kind, "name": name}, "reason": "Seen", "type": "Normal",
    })
}

/// What is in a folder of the API, whoever asks.
fn stored(path: &str) -> Vec<Value> {
    let (ours, theirs) = (json!({RUN: "7f3a"}), json!({"team": "theirs"}));
    let manager = json!({"app": "traffic-manager"});
    let both = |kind: &str, name: &str| {
        vec![
            object(kind, name, &ours),
            object(kind, &format!("theirs-{name}"), &theirs),
            object(kind, &format!("other-run-{name}"), &json!({RUN: "0000"})),
        ]
    };
    let kinds = [
        ("pods", "Pod"),
        ("deployments", "Deployment"),
        ("services", "Service"),
        ("endpointslices", "EndpointSlice"),
        ("replicasets", "ReplicaSet"),
    ];
    let (folder, plural) = path.rsplit_once('/').unwrap();
    let kind = kinds
        .iter()
        .find(|(name, _)| *name == plural)
        .map(|(_, kind)| *kind);
    match (folder.rsplit('/').next().unwrap(), kind, plural) {
        // All namespaces.
        ("v1", Some("Deployment"), _) => {
            let mut found = object("Deployment", "traffic-manager", &manager);
            found["metadata"]["namespace"] = "tools".into();
            vec![found, object("Deployment", "theirs", &theirs)]
        }
        ("demo", Some(kind), _) => both(kind, "order-1"),
        ("tools", Some(kind), _) => vec![
            object(kind, "traffic-manager", &manager),
            object(kind, "theirs-vault", &theirs),
        ],
        ("demo", _, "events") => vec![
            event("Pod", "order-1"),
            event("Pod", "order-1-gone"),
            event("ReplicaSet", "order-1"),
            event("Endpoints", "order-1"),
            event("Pod", "theirs-order-1"),
            event("Pod", "theirs-order-1-gone"),
            event("Secret", "order-1"),
        ],
        ("tools", _, "events") => vec![event("Pod", "traffic-manager"), event("Pod", "theirs-vault")],
        ("v1", _, "nodes") => vec![
            object("Node", "node-of-order-1", &json!({})),
            object("Node", "node-of-theirs-vault", &json!({})),
        ],
        _ => Vec::new(),
    }
}

fn answer(request: &Request) -> ResponseTemplate {
    let path = request.url.path();
    if path.ends_with("/log") {
        return ResponseTemplate::new(200).set_body_string(format!("the log of {path}"));
    }
    let mut query = request.url.query_pairs();
    let selector = query.find(|(key, _)| key == "labelSelector");
    let selected = |object: &Value| {
        selector.as_ref().is_none_or(|(_, selector)| {
            let (key, value) = selector.split_once('=').unwrap();
            object["metadata"]["labels"][key] == value
        })
    };
    let items: Vec<Value> = stored(path).into_iter().filter(selected).collect();
    let metadata = request.headers.get("accept").is_some_and(|accept| {
        accept
            .to_str()
            .unwrap_or_default()
            .contains("PartialObjectMetadata")
    });
    let kind = if metadata {
        "PartialObjectMetadataList"
    } else {
        "List"
    };
    ResponseTemplate::new(200)
        .set_body_json(json!({"apiVersion": "v1", "kind": kind, "metadata": {}, "items": items}))
}

async fn evidence(whose: Whose, folder: &Path) -> PathBuf {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let kubeconfig = folder.join("kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server.uri()}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    });
    std::fs::write(&kubeconfig, text.to_string()).unwrap();
    let sources = Sources {
        kind: None,
        kubeconfig,
        whose,
        telepresence: Some(Telepresence::new(ToolPath::default()).witness(folder)),
        tools: ToolPath::default(),
    };
    let shelf = Shelf {
        folder: folder.join("evidence"),
        run_dir: folder.to_owned(),
    };
    let pieces = collect(&sources, &shelf, &Deadline::after(Duration::from_secs(60))).await;
    let missing: Vec<&String> = pieces.iter().filter_map(|piece| piece.as_ref().err()).collect();
    assert_eq!(missing, Vec::<&String>::new());
    shelf.folder
}

/// Every file below a folder with its name and its text.
fn everything(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path.is_dir() {
        true => everything(&path),
        false => format!(
            "{}\n{}\n",
            path.display(),
            std::fs::read_to_string(&path).unwrap()
        ),
    });
    texts.collect()
}

#[tokio::test]
async fn of_a_cluster_of_somebody_else_only_the_run_s_own_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let label = "7f3a".to_owned();
    let evidence = evidence(Whose::Theirs { label }, folder.path()).await;
    let all = everything(&evidence);
    for foreign in ["theirs", "other-run", "vault", "Secret"] {
        assert!(!all.contains(foreign), "{foreign} in {all}");
    }
    for file in [
        "demo/order-1/main.log",
        "tools/traffic-manager/main.log",
        "tools/pods.json",
        "nodes.json",
    ] {
        assert!(evidence.join(file).exists(), "{file} in {all}");
    }
    assert!(all.contains("node-of-order-1"), "{all}");
    assert!(!evidence.join("ambassador").exists());
    let events = std::fs::read_to_string(evidence.join("demo/events.txt")).unwrap();
    for object in [
        "Pod/order-1 ",
        "Pod/order-1-gone ",
        "ReplicaSet/order-1 ",
        "Endpoints/order-1 ",
    ] {
        assert!(events.contains(object), "{object} in {events}");
    }
}

#[tokio::test]
async fn of_a_cluster_of_the_run_everything_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = evidence(Whose::Ours, folder.path()).await;
    let all = everything(&evidence);
    for part in [
        "theirs-order-1",
        "other-run-order-1",
        "Secret/order-1",
        "node-of-theirs-vault",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    assert!(evidence.join("ambassador/pods.json").exists());
}
