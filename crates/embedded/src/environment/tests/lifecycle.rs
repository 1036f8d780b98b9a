//! From the first step to the last undone one: coming up, waiting, giving up, being interrupted, leaving nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use testbed::{Environment, Tell};
use tokio::net::{TcpListener, TcpStream};

use super::{EmbeddedEnvironment, LOOPBACK, Stage, body, serve};

#[tokio::test]
async fn comes_up_step_by_step_and_everything_answers() {
    let mut stage = Stage::new();
    let config = stage.stand_ins().await;
    let (environment, endpoints) = stage.up(config).await;
    assert_eq!(body(&endpoints.storefront).await, "storefront");
    assert_eq!(body(&endpoints.workstation_inventory).await, "inventory-service");
    let services = reqwest::get(format!("{}/api/services", endpoints.jaeger))
        .await
        .unwrap();
    assert_eq!(services.status(), 200);
    assert_eq!(endpoints.otlp_http, endpoints.workstation_otlp);
    assert_eq!(
        environment.cannot_prove(),
        Some("nothing here proves Kubernetes or Telepresence: use --env kind")
    );
    let steps = stage.steps();
    for step in [
        "otlp receiver",
        "jaeger query api",
        "Service order-service",
        "Service inventory-service",
        "storefront@cluster",
        "order-service@cluster",
        "inventory-service@cluster",
    ] {
        let found = steps
            .iter()
            .find(|(name, ..)| name == step)
            .unwrap_or_else(|| panic!("no {step} in {steps:?}"));
        assert!(
            found.1
                && found
                    .2
                    .as_ref()
                    .is_some_and(|detail| detail.contains("127.0.0.1:")),
            "{found:?}"
        );
    }
    stage.finish().await;
}

#[tokio::test]
async fn tells_each_process_its_role_and_the_addresses_of_services() {
    let stage = Stage::new();
    let mut config = stage.stand_ins().await;
    config.variables = vec![(
        "order-service".to_owned(),
        "THROUGHLINE_FAULT".to_owned(),
        "lose-spans".to_owned(),
    )];
    let (_environment, endpoints) = stage.up(config).await;
    let [storefront, order, inventory] =
        ["storefront", "order-service", "inventory-service"].map(|name| stage.variables(name));
    for variables in [&storefront, &order, &inventory] {
        assert_eq!(variables["THROUGHLINE_SITE"], "cluster");
        assert_eq!(variables["THROUGHLINE_LISTEN"], "127.0.0.1:0");
        assert_eq!(variables["OTEL_EXPORTER_OTLP_ENDPOINT"], endpoints.otlp_http);
        assert_eq!(
            variables["OTEL_RESOURCE_ATTRIBUTES"],
            "deployment.environment=embedded"
        );
    }
    assert_eq!(body(&storefront["ORDER_URL"]).await, "order-service");
    assert_eq!(order["INVENTORY_URL"], endpoints.workstation_inventory);
    assert_eq!(order["THROUGHLINE_FAULT"], "lose-spans");
    assert!(!storefront.contains_key("THROUGHLINE_FAULT") && !inventory.contains_key("ORDER_URL"));
    stage.finish().await;
}

#[tokio::test]
async fn waits_until_a_process_says_that_it_is_ready() {
    let stage = Stage::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let readyz = get(move || async move {
        match count.fetch_add(1, Ordering::SeqCst) {
            0..3 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        }
    });
    let mut config = stage.stand_ins().await;
    config.binaries.order = stage.announcing("slow", serve(Router::new().route("/readyz", readyz)).await);
    stage.up(config).await;
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    stage.finish().await;
}

#[tokio::test]
async fn gives_up_at_once_when_a_process_dies_and_shows_its_last_words() {
    for script in [
        "echo 'no such port' >&2; exit 3".to_owned(),
        // Dies after its announcement, before it is ready.
        format!("echo 'listening http://{}'; echo 'no such port' >&2; exit 3", {
            let silent = TcpListener::bind(LOOPBACK).await.unwrap();
            silent.local_addr().unwrap()
        }),
    ] {
        let mut stage = Stage::new();
        let mut config = stage.stand_ins().await;
        config.binaries.inventory = stage.program("dying", &script);
        config.start_limit = Duration::from_secs(600);
        let mut environment = EmbeddedEnvironment::new(config);
        let error = environment.up(&stage.run).await.unwrap_err();
        let said = testbed::explain::chain(&error);
        assert!(
            said.contains("inventory-service@cluster") && said.contains("no such port"),
            "{said}"
        );
        let failed: Vec<_> = stage
            .steps()
            .into_iter()
            .filter(|(_, ok, _)| !ok)
            .map(|(name, ..)| name)
            .collect();
        assert!(
            failed.contains(&"inventory-service@cluster".to_owned()),
            "{failed:?}"
        );
        stage.finish().await;
    }
}

#[tokio::test]
async fn leaves_nothing_behind() {
    let stage = Stage::new();
    let config = stage.stand_ins().await;
    let (environment, endpoints) = stage.up(config).await;
    stage.finish().await;
    for url in [
        &endpoints.jaeger,
        &endpoints.otlp_http,
        &endpoints.workstation_inventory,
    ] {
        let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "{url} still answers");
    }
    drop(environment);
}

#[tokio::test]
async fn does_nothing_before_it_is_up_and_comes_up_once() {
    let stage = Stage::new();
    let mut environment = EmbeddedEnvironment::new(stage.stand_ins().await);
    assert_eq!(environment.accountant()(Tell::Now).await, []);
    assert_eq!(environment.collect(stage.folder.path()).await, []);
    for refused in [
        environment.disturb(None).await,
        environment.leave(&stage.run, "order-service").await,
    ] {
        assert_eq!(
            refused.unwrap_err().to_string(),
            "the embedded environment is not up"
        );
    }
    environment.up(&stage.run).await.unwrap();
    let again = environment.up(&stage.run).await.unwrap_err();
    assert_eq!(again.to_string(), "the embedded environment is already up");
    stage.finish().await;
}

#[tokio::test]
async fn undoes_what_an_interrupted_start_began() {
    let stage = Stage::new();
    let mut config = stage.stand_ins().await;
    config.binaries.order = stage.program("mute", "exec sleep 600");
    let mut environment = EmbeddedEnvironment::new(config);
    let signals = stage.run.signals().clone();
    let run = stage.run.clone();
    let starting = tokio::spawn(async move { environment.up(&run).await.map(|_| ()) });
    while !stage
        .run
        .undo()
        .names()
        .contains(&"order-service@cluster".to_owned())
    {
        tokio::task::yield_now().await;
    }
    signals.raise();
    let error = starting.await.unwrap().unwrap_err();
    assert_eq!(error.class(), testbed::Class::Interrupted, "{error}");
    stage.finish().await;
    assert_eq!(stage.run.undo().names(), Vec::<String>::new());
}
