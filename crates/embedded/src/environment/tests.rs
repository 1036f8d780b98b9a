//! The environment around stand-in processes: each announces the address of a server inside the test.
//!
//! The real service processes belong to the end-to-end suite, which has them built first.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use testbed::{
    Disturbance, Endpoints, Environment, Event, EventReceiver, InterceptSpec, Outcome, Run, RunOptions,
    Selection, Signals,
};
use tokio::net::{TcpListener, TcpStream};
use trace::Site;

use super::{EmbeddedConfig, EmbeddedEnvironment, LOOPBACK, ServiceBinaries};
use testbed::EnvironmentName;

/// A run in a folder of its own.
struct Stage {
    run: Run,
    events: EventReceiver,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (run, events) = Run::begin(RunOptions {
            root: folder.path().join("runs"),
            environment: EnvironmentName::Embedded,
            keep: false,
            signals: Signals::manual(),
        })
        .unwrap();
        Self { run, events, folder }
    }

    /// A program that does this.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A program that writes its environment down, announces an address and stays.
    fn announcing(&self, name: &str, address: SocketAddr) -> PathBuf {
        let variables = self.folder.path().join(format!("{name}.env"));
        let script = format!(
            "env > '{}'\necho 'listening http://{address}'\nexec sleep 600",
            variables.display()
        );
        self.program(name, &script)
    }

    /// The environment of a program that announced itself.
    fn variables(&self, name: &str) -> HashMap<String, String> {
        let text = fs::read_to_string(self.folder.path().join(format!("{name}.env"))).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Stand-ins for all three services.
    async fn stand_ins(&self) -> EmbeddedConfig {
        EmbeddedConfig::new(ServiceBinaries {
            storefront: self.announcing("storefront", pod("storefront").await),
            order: self.announcing("order-service", pod("order-service").await),
            inventory: self.announcing("inventory-service", pod("inventory-service").await),
        })
    }

    async fn up(&self, config: EmbeddedConfig) -> (EmbeddedEnvironment, Endpoints) {
        let mut environment = EmbeddedEnvironment::new(config);
        let endpoints = environment
            .up(&self.run)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        (environment, endpoints)
    }

    /// How the steps ended so far, in the order in which they did.
    fn steps(&mut self) -> Vec<(String, bool, Option<String>)> {
        let mut steps = Vec::new();
        while let Some(event) = self.events.try_recv() {
            if let Event::StepFinished {
                step,
                outcome,
                detail,
                ..
            } = event
            {
                steps.push((step, outcome == Outcome::Ok, detail));
            }
        }
        steps
    }

    async fn finish(&self) {
        let report = self.run.finish().await;
        assert!(report.failed.is_empty() && report.left.is_empty(), "{report:?}");
    }
}

fn whoami(service: &str) -> Value {
    json!({
        "service": service, "version": "0.1.0", "site": "cluster", "pid": 7, "instance_id": "i", "nonce": null,
        "telemetry": {"exporter": "e", "started": 3, "exported": 2, "failed": 1, "last_error": "refused"},
    })
}

/// What a service answers besides its business.
fn service(name: &'static str) -> Router {
    Router::new()
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/whoami", get(move || async move { axum::Json(whoami(name)) }))
        .fallback(move || async move { name })
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn pod(name: &'static str) -> SocketAddr {
    serve(service(name)).await
}

async fn body(url: &str) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

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

async fn answering(endpoints: &Stage, debug: Option<&str>) -> String {
    let url = &endpoints.variables("storefront")["ORDER_URL"];
    let mut asked = reqwest::Client::new().get(url);
    if let Some(value) = debug {
        asked = asked.header("x-debug", value);
    }
    asked.send().await.unwrap().text().await.unwrap()
}

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

#[tokio::test]
async fn brings_the_accounts_of_processes_that_can_be_asked_and_waits_for_no_other() {
    let stage = Stage::new();
    let mut config = stage.stand_ins().await;
    let silent = service("silent").route("/silent", get(|| async {}));
    let hanging = Router::new()
        .route("/readyz", get(|| async {}))
        .route("/whoami", get(|| async { std::future::pending::<&str>().await }));
    drop(silent);
    config.binaries.order = stage.announcing("hanging", serve(hanging).await);
    let odd = Router::new()
        .route("/readyz", get(|| async {}))
        .fallback(|| async { "odd" });
    config.binaries.storefront = stage.announcing("odd", serve(odd).await);
    let (environment, _) = stage.up(config).await;
    let asked = Instant::now();
    let accounts = environment.accounts().await;
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    let account = &accounts[0];
    assert_eq!(
        (account.service.as_str(), account.site, account.pid),
        ("inventory-service", Site::Cluster, 7)
    );
    assert_eq!(
        (
            account.started,
            account.exported,
            account.failed,
            account.pending()
        ),
        (3, 2, 1, 0)
    );
    assert_eq!(account.last_error.as_deref(), Some("refused"));
    stage.finish().await;
}

#[tokio::test]
async fn tells_everything_that_is_missing_at_once() {
    let stage = Stage::new();
    let mut config = stage.stand_ins().await;
    assert_eq!(EmbeddedEnvironment::new(config.clone()).preflight().await, []);
    config.binaries.order = stage.folder.path().join("no-such-file");
    config.binaries.storefront = stage.folder.path().to_owned();
    fs::set_permissions(&config.binaries.inventory, fs::Permissions::from_mode(0o644)).unwrap();
    let missing = EmbeddedEnvironment::new(config).preflight().await;
    let facts: Vec<_> = missing
        .iter()
        .map(|missing| missing.fact.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(facts.len(), 3, "{missing:?}");
    assert!(facts[0].ends_with(" is no file"), "{facts:?}");
    assert_eq!(
        facts[1..],
        ["no-such-file is not there", "inventory-service is not executable"]
    );
    assert!(
        missing[1].cure.contains("cargo build --package storefront"),
        "{missing:?}"
    );
    assert!(missing[2].cure.starts_with("`chmod +x "), "{missing:?}");
}

#[tokio::test]
async fn collects_the_stored_spans_and_the_counters() {
    let stage = Stage::new();
    let (environment, endpoints) = stage.up(stage.stand_ins().await).await;
    let spans = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order-service"}}]},
        "scopeSpans": [{"spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": "create-order",
            "kind": 1, "startTimeUnixNano": "1", "endTimeUnixNano": "2",
        }]}],
    }]});
    let export = reqwest::Client::new()
        .post(format!("{}/v1/traces", endpoints.otlp_http))
        .json(&spans);
    assert_eq!(export.send().await.unwrap().status(), 200);
    answering(&stage, None).await;
    let into = stage.run.dir().file("evidence");
    let collected = environment.collect(&into).await;
    let read = |file: &str| {
        let path = Path::new("evidence").join(file);
        assert!(
            collected.iter().any(|collected| collected.path == path),
            "{collected:?}"
        );
        fs::read_to_string(stage.run.dir().file(path)).unwrap()
    };
    let line: Value = serde_json::from_str(read("spans.jsonl").lines().next().unwrap()).unwrap();
    let span = &line["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(
        (&span["name"], &span["spanId"]),
        (&"create-order".into(), &"00f067aa0ba902b7".into())
    );
    let counters: Value = serde_json::from_str(&read("counters.json")).unwrap();
    assert_eq!(counters["receiver"]["accepted_requests"], 1);
    assert_eq!(counters["store"]["spans"], 1);
    assert_eq!(counters["services"]["order-service"]["to_pod"], 1);
    stage.finish().await;
}

#[tokio::test]
async fn does_nothing_before_it_is_up_and_comes_up_once() {
    let stage = Stage::new();
    let mut environment = EmbeddedEnvironment::new(stage.stand_ins().await);
    assert_eq!(environment.accounts().await, []);
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
