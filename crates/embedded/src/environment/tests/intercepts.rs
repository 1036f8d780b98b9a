//! Traffic given to the workstation and back, and the path to it disturbed on purpose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use testbed::{Disturbance, Environment, InterceptSpec, Selection};

use super::{LOOPBACK, Stage, answering, pod, serve};

fn intercept(workload: &str, selection: Selection, target: SocketAddr) -> InterceptSpec {
    InterceptSpec {
        workload: workload.to_owned(),
        selection,
        target,
    }
}

#[tokio::test]
async fn gives_a_workloads_traffic_to_the_workstation_and_back() {
    let stage = Stage::new();
    let (mut environment, _) = stage.up(stage.stand_ins().await).await;
    let workstation = pod("workstation").await;
    assert_eq!(answering(&stage, None).await, "order-service");
    let all = intercept("order-service", Selection::All, workstation);
    environment.intercept(&stage.run, &all).await.unwrap();
    assert_eq!(answering(&stage, None).await, "workstation");
    environment.leave(&stage.run, "order-service").await.unwrap();
    assert_eq!(answering(&stage, None).await, "order-service");
    let selection = Selection::Header {
        name: "x-debug".to_owned(),
        value: "me".to_owned(),
    };
    environment
        .intercept(&stage.run, &intercept("order-service", selection, workstation))
        .await
        .unwrap();
    assert_eq!(answering(&stage, Some("me")).await, "workstation");
    assert_eq!(answering(&stage, Some("you")).await, "order-service");
    stage.finish().await;
}

#[tokio::test]
async fn tells_what_a_workloads_process_was_told() {
    let stage = Stage::new();
    let (environment, endpoints) = stage.up(stage.stand_ins().await).await;
    let told = environment.variables("order-service").await.unwrap();
    assert_eq!(told["INVENTORY_URL"], endpoints.workstation_inventory);
    assert_eq!(told["THROUGHLINE_SITE"], "cluster");
    assert!(environment.variables("orders").await.is_err());
    stage.finish().await;
}

#[tokio::test]
async fn names_the_workloads_that_there_are() {
    let stage = Stage::new();
    let (mut environment, _) = stage.up(stage.stand_ins().await).await;
    let unknown = intercept("orders", Selection::All, LOOPBACK);
    let error = environment.intercept(&stage.run, &unknown).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no workload \"orders\" that can be intercepted: there are order-service, inventory-service"
    );
    assert!(environment.leave(&stage.run, "orders").await.is_err());
    environment.leave(&stage.run, "order-service").await.unwrap();
    stage.finish().await;
}

#[tokio::test]
async fn disturbs_the_intercept_path_until_told_otherwise() {
    let stage = Stage::new();
    let (mut environment, _) = stage.up(stage.stand_ins().await).await;
    let deliveries = Arc::new(AtomicUsize::new(0));
    let count = deliveries.clone();
    let app = Router::new().fallback(move || async move { count.fetch_add(1, Ordering::SeqCst).to_string() });
    let all = intercept("order-service", Selection::All, serve(app).await);
    environment.intercept(&stage.run, &all).await.unwrap();
    environment.disturb(Some(Disturbance::Replay)).await.unwrap();
    answering(&stage, None).await;
    assert_eq!(deliveries.load(Ordering::SeqCst), 2);
    environment.disturb(None).await.unwrap();
    answering(&stage, None).await;
    assert_eq!(deliveries.load(Ordering::SeqCst), 3);
    stage.finish().await;
}
