//! What people are told when it does not work, on the real thing.

use std::time::{Duration, Instant};

use cluster::kubernetes::apply::apply;
use cluster::kubernetes::rollout::available;
use cluster::kubernetes::unavailable::Workload;
use cluster::manifest::{self, BY_HAND, Object, Rendering};
use cluster::{Pins, Plan};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use serde_json::{Value, json};
use testbed::{Deadline, Environment, Explain, Tell};

use crate::bed::{Bed, PREFIX, alone, clusters, docker, kind, options};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_there_is_found_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.plan.pins = Pins::decide(
        &["jaeger=registry.invalid/jaeger:0.0.1".parse().unwrap()],
        |_| None,
        None,
    )
    .unwrap();
    let bed = Bed::begin(folder.path(), false, options);
    let missing = bed.environment.preflight().await;
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(
        missing[0].fact,
        "the image registry.invalid/jaeger:0.0.1 is not in the local Docker"
    );
    assert_eq!(missing[0].cure, "docker pull registry.invalid/jaeger:0.0.1");
    bed.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_the_node_starts_leaves_nothing() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let mut bed = Bed::begin(folder.path(), false, options(folder.path()));
    let signals = bed.signals.clone();
    let interrupt = async {
        let node = format!("{PREFIX}-{}-control-plane", bed.run.id());
        let deadline = Deadline::after(Duration::from_secs(60));
        let there = testbed::wait::until(&deadline, "the node", || async {
            match docker().published(&node, 6443, &deadline).await {
                Ok(_) => testbed::wait::Probe::<(), std::io::Error>::Ready(()),
                Err(error) => testbed::wait::Probe::NotYet(error.to_string()),
            }
        });
        there.await.unwrap();
        signals.raise();
    };
    let (result, ()) = tokio::join!(bed.environment.up(&bed.run), interrupt);
    assert!(result.is_err());
    assert_eq!(
        clusters().await.len(),
        1,
        "the node is there when the undo begins"
    );
    let begun = Instant::now();
    bed.finish().await;
    eprintln!("undone in {:.2} s", begun.elapsed().as_secs_f64());
    assert_eq!(clusters().await, Vec::<String>::new());
}

/// The objects of a run whose services have no images.
fn objects(plan: &Plan) -> Vec<Object> {
    let upstream = [
        (manifest::JAEGER_REPOSITORY.to_owned(), plan.pins.jaeger.tagged()),
        (
            manifest::COLLECTOR_REPOSITORY.to_owned(),
            plan.pins.collector.tagged(),
        ),
    ];
    let services = manifest::SERVICES.map(|service| {
        let repository = format!("{}/{service}", manifest::SERVICE_REPOSITORY);
        (repository.clone(), format!("{repository}:absent"))
    });
    let images = upstream.into_iter().chain(services).collect();
    manifest::render(&Rendering {
        run: BY_HAND.into(),
        images,
        profile: plan.profile,
    })
    .unwrap()
}

fn change(objects: &mut [Object], kind: &str, name: &str, path: &str, value: Value) {
    let object = objects
        .iter_mut()
        .find(|object| object.kind() == kind && object.name() == name)
        .unwrap();
    let mut json = serde_json::to_value(&object.object).unwrap();
    *json.pointer_mut(path).unwrap() = value;
    object.object = serde_json::from_value(json).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_the_cluster_are_told_at_once_and_in_its_own_words() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let plan = &options.plan;
    let kubeconfig = folder.path().join("kubeconfig");
    let mut bed = Bed::begin(folder.path(), false, options.clone());
    // The real thing first: what follows breaks one part after the other of a cluster that works.
    bed.up().await;
    let client = bed.environment.brought_up().unwrap().client.clone();
    let deadline = || Deadline::after(Duration::from_secs(90));
    let told_within = async |limit: u64, objects: &[Object], namespace: &str, name: &str| {
        let begun = Instant::now();
        apply(&client, objects, &deadline()).await.unwrap();
        let workload = [Workload::new(namespace, name)];
        let limit = Deadline::after(Duration::from_secs(limit));
        let error = available(&client, BY_HAND, &workload, &limit, |_| ())
            .await
            .unwrap_err();
        eprintln!(
            "--- after {:.2} s\n{error}\nhint: {:?}",
            begun.elapsed().as_secs_f64(),
            error.hint()
        );
        assert!(
            begun.elapsed() < Duration::from_secs(80),
            "told only when the time was up"
        );
        assert!(error.hint().is_some());
        error.to_string()
    };
    let told = async |objects: &[Object], namespace: &str, name: &str| {
        told_within(90, objects, namespace, name).await
    };

    let all = objects(plan);
    let order: Vec<Object> = all
        .iter()
        .filter(|object| object.name() == "order-service")
        .cloned()
        .collect();

    // A pod that runs and never becomes ready can only be told when the time is up.
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "demo");
    let running = deployments.get("order-service").await.unwrap();
    let image =
        serde_json::to_value(&running).unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].take();
    let mut wrong = order.clone();
    let container = "/spec/template/spec/containers/0";
    change(
        &mut wrong,
        "Deployment",
        "order-service",
        &format!("{container}/image"),
        image,
    );
    let path = format!("{container}/readinessProbe/httpGet/path");
    change(
        &mut wrong,
        "Deployment",
        "order-service",
        &path,
        json!("/nowhere"),
    );
    let text = told_within(20, &wrong, "demo", "order-service").await;
    assert!(
        text.contains("Readiness probe failed") && text.contains("404"),
        "{text}"
    );

    let text = told(&order, "demo", "order-service").await;
    assert!(
        text.contains("ErrImageNeverPull") && text.contains("throughline/order-service:absent"),
        "{text}"
    );

    let mut wrong = all.clone();
    change(
        &mut wrong,
        "ConfigMap",
        "otel-collector",
        "/data/config.yaml",
        json!("receivers: { nonsense: {} }"),
    );
    change(
        &mut wrong,
        "Deployment",
        "otel-collector",
        "/spec/template/metadata/labels/app.kubernetes.io~1part-of",
        json!("x"),
    );
    let collector: Vec<Object> = wrong
        .into_iter()
        .filter(|object| object.name() == "otel-collector")
        .collect();
    let text = told(&collector, "observability", "otel-collector").await;
    assert!(text.contains("nonsense"), "the Collector's own words: {text}");

    let mut wrong = all.clone();
    let path = "/spec/template/spec/containers/0/resources";
    change(
        &mut wrong,
        "Deployment",
        "storefront",
        path,
        json!({"requests": {"cpu": "512"}}),
    );
    let front: Vec<Object> = wrong
        .into_iter()
        .filter(|object| object.name() == "storefront")
        .collect();
    let text = told(&front, "demo", "storefront").await;
    assert!(text.contains("Insufficient cpu"), "{text}");

    let mut wrong = all.clone();
    change(
        &mut wrong,
        "Deployment",
        "jaeger",
        &format!("{container}/args"),
        json!(["--config=/nowhere.yaml"]),
    );
    let jaeger: Vec<Object> = wrong
        .into_iter()
        .filter(|object| object.name() == "jaeger")
        .collect();
    let text = told(&jaeger, "observability", "jaeger").await;
    assert!(text.contains("/nowhere.yaml"), "Jaeger's own words: {text}");

    let mut wrong = all;
    change(&mut wrong, "Deployment", "jaeger", "/spec/replicas", json!("two"));
    let jaeger: Vec<Object> = wrong
        .into_iter()
        .filter(|object| object.name() == "jaeger")
        .collect();
    let error = apply(&client, &jaeger, &deadline()).await.unwrap_err();
    eprintln!("--- {error}");
    assert!(error.to_string().contains("10-jaeger.yaml"), "{error}");

    // Somebody deletes the cluster under us.
    let name = bed.environment.choice().unwrap().name.clone();
    kind().delete(&name, &kubeconfig, &deadline()).await.unwrap();
    let begun = Instant::now();
    assert_eq!(bed.environment.accountant()(Tell::Now).await, []);
    let collected = bed.environment.collect(&bed.run.dir().file("evidence")).await;
    eprintln!(
        "collected {collected:?} in {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    let missing = std::fs::read_to_string(bed.run.dir().file("evidence/missing.txt")).unwrap();
    assert!(missing.contains("there is no kind cluster"), "{missing}");
    bed.finish().await;
    assert_eq!(clusters().await, Vec::<String>::new());
}
