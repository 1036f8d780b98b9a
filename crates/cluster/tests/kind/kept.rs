//! A kept cluster: reused by the next run, refused to a second one at the same time, rolled only where something changed.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cluster::binaries::{self, Binaries};
use cluster::kubernetes::sweep::sweep;
use cluster::manifest::{Profile, SERVICES};
use testbed::{Deadline, Environment, InterceptSpec, Lease, Selection, Signals, SweepOptions};

use crate::bed::{Bed, alone, clusters, options, order_and_trace};

/// How often services are built anew in a kept cluster.
const BUILDS: u8 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn is_reused_and_shared_with_nobody() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let mut first = Bed::begin(folder.path(), true, options(folder.path()));
    let endpoints = first.up().await;
    let name = first.environment.choice().unwrap().name.clone();

    let mut second = Bed::begin(folder.path(), true, options(folder.path()));
    let error = second.environment.up(&second.run).await.unwrap_err();
    assert!(
        testbed::explain::chain(&error).contains(&format!("is in use by run {}", first.run.id())),
        "{error}"
    );
    assert!(error.hint().is_some());
    second.finish().await;

    let jaeger = endpoints.jaeger.clone();
    assert_eq!(first.finish().await, Vec::<String>::new());
    assert_eq!(clusters().await, [name.as_str()], "kept");

    let mut warm = Bed::begin(folder.path(), true, options(folder.path()));
    let endpoints = warm.up().await;
    assert_eq!(endpoints.jaeger, jaeger, "the same cluster");
    warm.finish().await;

    let mut batched = options(folder.path());
    batched.plan.profile = Profile::Batched;
    let mut other = Bed::begin(folder.path(), true, batched);
    let endpoints = other.up().await;
    let id = "1af7651916cd43dd8448eb211c80319c".parse().unwrap();
    let (_, visible) = order_and_trace(&endpoints.storefront, &endpoints.jaeger, id).await;
    eprintln!(
        "batched profile: whole trace visible {} ms after the answer",
        visible.as_millis()
    );

    let client = other.environment.brought_up().unwrap().client.clone();
    let label = other.environment.choice().unwrap().label.clone();
    let begun = Instant::now();
    let removed = sweep(&client, &label, &Deadline::after(Duration::from_secs(60)))
        .await
        .unwrap();
    eprintln!(
        "{removed} objects swept in {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    assert!(removed >= 18, "{removed}");
    assert_eq!(
        sweep(&client, "another-run", &Deadline::after(Duration::from_secs(60)))
            .await
            .unwrap(),
        0
    );
    other.finish().await;

    // `down` of another checkout, while a run is using it, and afterwards.
    let user = Lease::take(
        &options(folder.path()).plan.locks,
        &format!("kind cluster {name}"),
        "a test",
    )
    .unwrap();
    let down = SweepOptions {
        kept: true,
        signals: Signals::manual(),
        events: None,
    };
    let swept = testbed::sweep(folder.path(), &down).await.unwrap();
    assert!(swept.complete(), "{swept:?}");
    assert_eq!(clusters().await, [name.as_str()], "in use");
    drop(user);
    let swept = testbed::sweep(folder.path(), &down).await.unwrap();
    assert!(swept.complete(), "{swept:?}");
    assert_eq!(clusters().await, Vec::<String>::new());
}

/// As whoever edits a service and plays again: its pods, with a traffic agent in them, are replaced while this machine connects.
#[tokio::test(flavor = "multi_thread")]
async fn rolls_out_services_that_were_built_anew_and_knows_their_names() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let mut first = options(folder.path());
    first.plan.telepresence = true;
    let mut bed = Bed::begin(folder.path(), true, first.clone());
    let endpoints = bed.up().await;
    let limit = Deadline::after(Duration::from_secs(60));
    let built = first.plan.binaries.provide(&bed.run, &limit).await.unwrap();
    let intercept = InterceptSpec {
        workload: "order-service".into(),
        selection: Selection::All,
        target: endpoints.workstation_listen,
    };
    bed.environment.intercept(&bed.run, &intercept).await.unwrap();
    bed.environment.leave(&bed.run, "order-service").await.unwrap();
    assert_eq!(bed.finish().await, Vec::<String>::new());

    for build in 1..=BUILDS {
        let other = tempfile::tempdir().unwrap();
        build_anew(&built, other.path(), build);
        let mut next = first.clone();
        next.plan.binaries = Binaries::Folder(other.path().to_owned());
        let mut bed = Bed::begin(folder.path(), true, next);
        bed.up().await;
        assert_eq!(bed.finish().await, Vec::<String>::new(), "build {build}");
    }
    let down = SweepOptions {
        kept: true,
        signals: Signals::manual(),
        events: None,
    };
    assert!(testbed::sweep(folder.path(), &down).await.unwrap().complete());
}

/// The same services with one more byte, which nobody reads.
fn build_anew(from: &Path, to: &Path, byte: u8) {
    for service in SERVICES {
        let target = binaries::file(to, service);
        std::fs::copy(binaries::file(from, service), &target).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(&target).unwrap();
        file.write_all(&[byte]).unwrap();
    }
}
