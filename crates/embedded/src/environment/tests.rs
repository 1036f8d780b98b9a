//! The environment around stand-in processes: each announces the address of a server inside the test.
//!
//! The real service processes belong to the end-to-end suite, which has them built first.

mod evidence;
mod intercepts;
mod lifecycle;
mod preflight;

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use serde_json::{Value, json};
use testbed::{
    Endpoints, Environment, EnvironmentName, Event, EventReceiver, Outcome, Run, RunOptions, Signals,
};
use tokio::net::TcpListener;

use super::{EmbeddedConfig, EmbeddedEnvironment, LOOPBACK, ServiceBinaries};

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

/// What a service says of itself. As its exporter it names how long its caller prefers to wait.
fn whoami(service: &str, headers: &HeaderMap) -> Value {
    let exporter = headers
        .get("prefer")
        .map_or("none", |prefer| prefer.to_str().unwrap());
    json!({
        "service": service, "version": "0.1.0", "site": "cluster", "pid": 7, "instance_id": "i", "nonce": null,
        "telemetry": {"exporter": exporter, "started": 3, "exported": 2, "failed": 1, "last_error": "refused"},
    })
}

/// What a service answers besides its business.
fn service(name: &'static str) -> Router {
    Router::new()
        .route("/readyz", get(|| async { "ready\n" }))
        .route(
            "/whoami",
            get(move |headers: HeaderMap| async move { axum::Json(whoami(name, &headers)) }),
        )
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

async fn answering(endpoints: &Stage, debug: Option<&str>) -> String {
    let url = &endpoints.variables("storefront")["ORDER_URL"];
    let mut asked = reqwest::Client::new().get(url);
    if let Some(value) = debug {
        asked = asked.header("x-debug", value);
    }
    asked.send().await.unwrap().text().await.unwrap()
}
