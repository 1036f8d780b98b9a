//! A cluster of the run's own: from nothing to a proven environment, asked, collected from, and gone.

use std::path::Path;
use std::time::{Duration, Instant};

use cluster::kubernetes::forward::{Forward, Target};
use testbed::{Environment, Tell};
use trace::Site;

use crate::bed::{Bed, alone, clusters, lookup, options, order_and_trace};

#[tokio::test(flavor = "multi_thread")]
async fn comes_up_from_nothing_and_leaves_nothing() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let ambient = lookup("HOME").map(|home| Path::new(&home).join(".kube/config"));
    let before = ambient.as_ref().and_then(|path| std::fs::read(path).ok());
    let mut bed = Bed::begin(folder.path(), false, options(folder.path()));
    assert_eq!(bed.environment.preflight().await, []);
    let endpoints = bed.up().await;

    let id = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
    let (spans, visible) = order_and_trace(&endpoints.storefront, &endpoints.jaeger, id).await;
    eprintln!("whole trace visible {} ms after the answer", visible.as_millis());
    for span in &spans {
        let attribute = |name: &str| span.resource.attributes.get(name).map(ToString::to_string);
        assert_eq!(span.resource.site, Some(Site::Cluster), "{}", span.name);
        // The Collector's work: the services only told their pod's uid.
        for name in [
            "k8s.pod.name",
            "k8s.deployment.name",
            "k8s.node.name",
            "k8s.namespace.name",
        ] {
            assert!(attribute(name).is_some(), "{name} of {}", span.name);
        }
    }

    let accounts = bed.environment.accountant()(Tell::Now).await;
    let mut counted: Vec<_> = accounts
        .iter()
        .map(|account| {
            (
                account.service.as_str(),
                account.started,
                account.exported,
                account.failed,
            )
        })
        .collect();
    counted.sort_unstable();
    // The probe order before was not sampled: only this one order was counted.
    assert_eq!(
        counted,
        [
            ("inventory-service", 1, 1, 0),
            ("order-service", 4, 4, 0),
            ("storefront", 2, 2, 0)
        ]
    );

    let client = bed.environment.brought_up().unwrap().client.clone();
    forwards(client).await;
    collects(&bed).await;

    assert_eq!(bed.finish().await, Vec::<String>::new());
    assert_eq!(clusters().await, Vec::<String>::new());
    assert_eq!(
        ambient.and_then(|path| std::fs::read(path).ok()),
        before,
        "the user's own kubeconfig was touched"
    );
}

async fn forwards(client: kube::Client) {
    let target = |port| Target {
        namespace: "demo".into(),
        selector: "app.kubernetes.io/name=storefront".into(),
        port,
    };
    let forward = Forward::open(client.clone(), target(8080)).await.unwrap();
    let url = format!("http://{}/readyz", forward.address());
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    for _ in 0..3 {
        assert!(http.get(&url).send().await.unwrap().status().is_success());
    }
    assert_eq!(forward.last_failure(), None);
    forward.close().await;
    assert!(http.get(&url).send().await.is_err(), "closed");

    let nobody = Forward::open(client, target(9999)).await.unwrap();
    assert!(
        http.get(format!("http://{}/", nobody.address()))
            .send()
            .await
            .is_err()
    );
    let deadline = testbed::Deadline::after(Duration::from_secs(10));
    let failure = testbed::wait::until(&deadline, "the reason", || async {
        match nobody.last_failure() {
            Some(failure) => testbed::wait::Probe::<_, std::io::Error>::Ready(failure),
            None => testbed::wait::Probe::not_yet("none yet"),
        }
    });
    let failure = failure.await.unwrap();
    assert!(failure.contains("9999"), "{failure}");
}

async fn collects(bed: &Bed) {
    let begun = Instant::now();
    let folder = bed.run.dir().file("evidence");
    let collected = bed.environment.collect(&folder).await;
    eprintln!(
        "{} pieces of evidence in {} ms",
        collected.len(),
        begun.elapsed().as_millis()
    );
    let paths: Vec<String> = collected
        .iter()
        .map(|piece| piece.path.display().to_string())
        .collect();
    for piece in &collected {
        assert!(
            bed.run.dir().file(&piece.path).exists(),
            "{}",
            piece.path.display()
        );
    }
    let has = |part: &str| paths.iter().any(|path| path.contains(part));
    for part in [
        "demo/pods.json",
        "demo/events.txt",
        "observability/endpoints.json",
        "nodes.json",
        "evidence/kind",
    ] {
        assert!(has(part), "{part} in {paths:?}");
    }
    for container in [
        "order-service",
        "storefront",
        "inventory-service",
        "jaeger",
        "otel-collector",
    ] {
        assert!(has(&format!("/{container}.log")), "{container} in {paths:?}");
    }
    assert!(!has("missing.txt"), "{paths:?}");
}
