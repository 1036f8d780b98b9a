//! A kept cluster: reused by the next run, refused to a second one at the same time, rolled only where something changed.

use std::time::Instant;

use cluster::kubernetes::sweep::sweep;
use cluster::manifest::Profile;
use testbed::{Deadline, Environment, Lease, Signals, SweepOptions};

use crate::bed::{Bed, alone, clusters, options, order_and_trace};

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
    let removed = sweep(
        &client,
        &label,
        &Deadline::after(std::time::Duration::from_secs(60)),
    )
    .await
    .unwrap();
    eprintln!(
        "{removed} objects swept in {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    assert!(removed >= 18, "{removed}");
    assert_eq!(
        sweep(
            &client,
            "another-run",
            &Deadline::after(std::time::Duration::from_secs(60))
        )
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
