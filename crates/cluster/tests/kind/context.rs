//! A cluster that somebody else has made: used, and left as it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::kind::ClusterSpec;
use cluster::kubernetes::client;
use cluster::node::Node;
use cluster::{ContextOptions, KindOptions, Pins, kind_config};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use testbed::{Deadline, Environment, EnvironmentName, InterceptSpec, Selection, UndoId};

use crate::bed::{Bed, PREFIX, alone, docker, kind, options, order_and_trace};

fn minutes() -> Deadline {
    Deadline::after(Duration::from_secs(240))
}

/// A cluster with a kubeconfig of its own, as somebody has who never heard of this project.
async fn theirs(bed: &Bed, name: &str, kubeconfig: PathBuf) -> UndoId {
    let node = Pins::built_in().unwrap().node;
    let config = kind_config::render(name, &node, None).unwrap();
    let spec = ClusterSpec {
        name: name.to_owned(),
        config,
        image: node.tagged(),
        kubeconfig,
        leased: None,
    };
    kind().create(&bed.run, &spec, &minutes()).await.unwrap()
}

/// Everything that a run could have left: what lasts, in all namespaces.
async fn inventory(client: &Client) -> BTreeSet<String> {
    const KINDS: [(&str, &str); 10] = [
        ("", "Namespace"),
        ("apps", "Deployment"),
        ("", "Service"),
        ("", "ConfigMap"),
        ("", "ServiceAccount"),
        ("", "Secret"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "Role"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ];
    let mut all = BTreeSet::new();
    for (group, kind) in KINDS {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        for one in api.list_metadata(&ListParams::default()).await.unwrap() {
            all.insert(format!(
                "{kind} {}/{}",
                one.namespace().unwrap_or_default(),
                one.name_any()
            ));
        }
    }
    all.retain(|one| !is_made_by_kubernetes(one));
    all
}

/// Kubernetes puts these into namespaces that were there before, whenever it gets to it.
fn is_made_by_kubernetes(one: &str) -> bool {
    let accounts = ["ServiceAccount kube-", "ConfigMap kube-"];
    accounts.iter().any(|begin| one.starts_with(begin))
        || [
            "ServiceAccount default/default",
            "ConfigMap default/kube-root-ca.crt",
        ]
        .contains(&one)
}

fn there(options: KindOptions, context: &str, kubeconfig: &Path) -> (KindOptions, ContextOptions) {
    let context = ContextOptions {
        context: context.to_owned(),
        kubeconfigs: vec![kubeconfig.to_owned()],
        use_namespaces: Vec::new(),
        service_images: None,
        withdraw: env!("CARGO_BIN_EXE_withdraw").into(),
    };
    (options, context)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_there_is_used_and_left_as_it_was() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("theirs.kubeconfig");
    let name = format!("{PREFIX}-theirs");
    let owner = Bed::begin(folder.path(), false, options(folder.path()));
    theirs(&owner, &name, kubeconfig.clone()).await;
    let client = client::connect(&kubeconfig, None).await.unwrap();
    client::answers(&client, &minutes()).await.unwrap();
    let node = Node::of_cluster(docker(), &name);
    let images = node.images(&minutes()).await.unwrap();
    let (objects, file) = (inventory(&client).await, std::fs::read(&kubeconfig).unwrap());

    // Somebody has a namespace of that name: refused, and told how to allow it.
    let namespaces = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Namespace"));
    let namespaces: Api<DynamicObject> = Api::all_with(client.clone(), &namespaces);
    let demo = serde_json::from_value(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}),
    );
    namespaces
        .create(&PostParams::default(), &demo.unwrap())
        .await
        .unwrap();
    let mut with_intercepts = options(folder.path());
    with_intercepts.plan.telepresence = true;
    let (options, mut context) = there(with_intercepts, &format!("kind-{name}"), &kubeconfig);
    let refused = Bed::begin_in(folder.path(), options.clone(), context.clone());
    let missing = refused.environment.preflight().await;
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(missing[0].cure.contains("--use-namespace demo"), "{missing:?}");
    refused.finish().await;

    context.use_namespaces = vec!["demo".into()];
    let mut bed = Bed::begin_in(folder.path(), options, context);
    assert_eq!(bed.environment.name(), EnvironmentName::Context);
    assert_eq!(bed.environment.preflight().await, []);
    let endpoints = bed.up().await;
    let id = "2af7651916cd43dd8448eb211c80319c".parse().unwrap();
    let (spans, _) = order_and_trace(&endpoints.storefront, &endpoints.jaeger, id).await;
    assert!(spans.len() >= 7, "{spans:?}");
    let intercept = InterceptSpec {
        workload: "order-service".into(),
        selection: Selection::All,
        target: endpoints.workstation_listen,
    };
    bed.environment.intercept(&bed.run, &intercept).await.unwrap();
    assert!(inventory(&client).await.len() > objects.len());
    // A second run finds the first one's things, and leaves them alone.
    let label = bed.environment.choice().unwrap().label.clone();
    let options = crate::bed::options(folder.path());
    let (options, context) = there(options, &format!("kind-{name}"), &kubeconfig);
    let second = Bed::begin_in(folder.path(), options, context);
    let missing = second.environment.preflight().await;
    let of_the_first = missing
        .iter()
        .any(|one| one.fact.contains(&format!("of the run {label}")));
    assert!(of_the_first, "{missing:?}");
    second.finish().await;

    assert_eq!(bed.finish().await, Vec::<String>::new());
    let after = inventory(&client).await;
    let left: Vec<&String> = after.difference(&objects).collect();
    assert_eq!(
        left,
        [
            "ConfigMap demo/kube-root-ca.crt",
            "Namespace /demo",
            "ServiceAccount demo/default"
        ],
        "only what somebody else made meanwhile"
    );
    assert_eq!(objects.difference(&after).count(), 0, "nothing of theirs is gone");
    assert_eq!(node.images(&minutes()).await.unwrap(), images);
    assert_eq!(
        std::fs::read(&kubeconfig).unwrap(),
        file,
        "their kubeconfig is as it was"
    );
    assert_eq!(owner.finish().await, Vec::<String>::new());
}
