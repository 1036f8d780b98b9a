//! The walkthrough by hand: the commands of docs/KIND.md, one after the other, with the tools that a person has.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jaeger_api::JaegerClient;
use serde::Serialize;
use serde_json::{Value, json};
use testbed::wait::{self, Pace, Probe};
use testbed::{Call, Deed, ProcessSpec, Run};
use trace::names;

use super::played::Step;
use super::{Options, published};
use crate::settle::orders::{Ids, whole};

/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(240);
/// How long cluster, connection and intercept may take to be removed.
const REMOVAL: Duration = Duration::from_secs(60);
/// How long one look may take: callers hang while routes are being changed.
const LOOK: Duration = Duration::from_secs(2);
/// As often as a person repeats a command, and more often.
const PACE: Pace = Pace {
    first: Duration::from_millis(50),
    longest: Duration::from_millis(100),
};
const SERVICES: [&str; 3] = ["storefront", "order-service", "inventory-service"];
/// The images of others, as `manifests` and the chart's default name them.
const PINS: &str = include_str!("../../../../crates/upstream/pins.yaml");

/// What it took by hand.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ByHand {
    /// The commands, with when each was done.
    pub(super) steps: Vec<Step>,
    /// Until the whole trace of an order that the workstation served could be read, milliseconds.
    pub(super) first_trace_ms: f64,
}

impl ByHand {
    /// For the progress of the bench.
    pub(super) fn gist(&self) -> String {
        let steps: Vec<String> = self
            .steps
            .iter()
            .map(|step| format!("{} {:.1} s", step.name, step.ended_ms / 1e3))
            .collect();
        steps.join(", ")
    }
}

/// A person at work.
struct Person<'r> {
    run: &'r Run,
    /// Of everything that is called: a kubeconfig and a world of Telepresence of its own, so that the user's stay alone.
    variables: Vec<(&'static str, PathBuf)>,
    began: Instant,
    steps: Vec<Step>,
}

/// Walks through from nothing to the first whole trace, and takes everything down again.
pub(super) async fn walks_through(run: &Run, cluster: &str, options: &Options) -> Result<ByHand> {
    let home = std::path::absolute(run.dir().file(cluster))?;
    std::fs::create_dir_all(&home)?;
    let mut person = Person {
        run,
        variables: vec![
            ("KUBECONFIG", home.join("kubeconfig")),
            ("XDG_CONFIG_HOME", home.join("config")),
            ("XDG_CACHE_HOME", home.join("cache")),
        ],
        began: Instant::now(),
        steps: Vec::new(),
    };
    let deed = |program: &str, args: &[&str]| Deed::Command {
        program: program.into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: person
            .variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_string_lossy().into_owned()))
            .collect(),
        limit: REMOVAL,
    };
    let cluster_entry = run.undo().push(
        format!("kind cluster {cluster}"),
        deed("kind", &["delete", "cluster", "--name", cluster]),
    );
    let connection_entry = run
        .undo()
        .push("telepresence connection", deed("telepresence", &["quit", "-s"]));
    person.makes_a_cluster(cluster, options).await?;
    let workstation = person.intercepts(options).await?;
    let first_trace_ms = person.sees_a_whole_trace(cluster, workstation.pid()).await?;
    let steps = std::mem::take(&mut person.steps);
    person.call("telepresence", &["detach", "order-service"]).await?;
    person.call("telepresence", &["quit", "-s"]).await?;
    run.undo().done(connection_entry);
    workstation.stop(Duration::from_secs(5)).await?;
    person
        .call("kind", &["delete", "cluster", "--name", cluster])
        .await?;
    run.undo().done(cluster_entry);
    Ok(ByHand {
        steps,
        first_trace_ms,
    })
}

impl Person<'_> {
    async fn makes_a_cluster(&mut self, cluster: &str, options: &Options) -> Result<()> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let config = workspace.join("kind-config.yaml");
        let config = config.to_string_lossy();
        let create = ["create", "cluster", "--name", cluster, "--config", &config];
        self.call("kind", &create).await?;
        self.did("kind create cluster");
        for service in SERVICES {
            let image = format!("throughline/{service}:dev");
            let folder = options.image_bin_dir.to_string_lossy();
            let entrypoint = format!("ENTRYPOINT [\"/{service}\"]");
            let tar = self.spec("tar", &["-c", "-C", &folder, service]);
            let import = self.spec("docker", &["import", "--change", &entrypoint, "-", &image]);
            self.answer(Call::new(import).input_from(tar)).await?;
            self.call("kind", &["load", "docker-image", "--name", cluster, &image])
                .await?;
        }
        let upstream = ["jaeger", "collector", "traffic-manager"].map(pin);
        let mut load = vec!["load", "docker-image", "--name", cluster];
        load.extend(upstream);
        self.call("kind", &load).await?;
        self.did("images loaded");
        let manifests = workspace.join("manifests");
        self.call("kubectl", &["apply", "-f", &manifests.to_string_lossy()])
            .await?;
        for (namespace, name) in [
            ("observability", "jaeger"),
            ("observability", "otel-collector"),
            ("demo", "inventory-service"),
            ("demo", "order-service"),
            ("demo", "storefront"),
        ] {
            let deployment = format!("deployment/{name}");
            self.call("kubectl", &["-n", namespace, "rollout", "status", &deployment])
                .await?;
        }
        self.did("kubectl apply, rolled out");
        Ok(())
    }

    /// Telepresence, the process on the workstation, and the intercept.
    async fn intercepts(&mut self, options: &Options) -> Result<testbed::Process> {
        let (registry, name) = pin("traffic-manager").rsplit_once('/').context("no registry")?;
        let (name, tag) = name.split_once(':').context("no tag")?;
        let values = [
            "usage.enabled=false".to_owned(),
            "image.pullPolicy=IfNotPresent".to_owned(),
            format!("image.registry={registry}"),
            format!("image.name={name}"),
            format!("image.tag={tag}"),
        ];
        let mut install = vec!["helm", "install"];
        install.extend(values.iter().flat_map(|value| ["--set", value]));
        self.call("telepresence", &install).await?;
        self.did("telepresence helm install");
        self.call("telepresence", &["connect", "--namespace", "demo"])
            .await?;
        self.did("telepresence connect");
        self.call("telepresence", &["list"]).await?;
        let spec = ProcessSpec::new("order-service by hand", options.bin_dir.join("order-service"))
            .env("THROUGHLINE_LISTEN", "127.0.0.1:8080")
            .env("THROUGHLINE_SITE", "workstation")
            .env("INVENTORY_URL", "http://inventory-service:8080")
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "http://otel-collector.observability.svc.cluster.local:4317",
            )
            .env("OTEL_BSP_SCHEDULE_DELAY", "10")
            .env(
                "OTEL_RESOURCE_ATTRIBUTES",
                "service.version=local-debug,deployment.environment=debug",
            );
        let process = self.run.supervise(spec)?;
        let listening = |line: &str| line.starts_with("listening ").then_some(());
        process.line(&self.run.deadline(COMMAND), listening).await?;
        let intercept = [
            "intercept",
            "order-service",
            "--port",
            "8080:8080",
            "--mount=false",
        ];
        self.call("telepresence", &intercept).await?;
        self.did("telepresence intercept");
        Ok(process)
    }

    /// Orders until the workstation serves one, and then its trace.
    async fn sees_a_whole_trace(&mut self, cluster: &str, pid: u32) -> Result<f64> {
        let node = format!("{cluster}-control-plane");
        let storefront = published(self.run, &node, 30080).await?;
        let jaeger = JaegerClient::new(&published(self.run, &node, 30686).await?)?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(LOOK)
            .build()?;
        let deadline = self.run.deadline(COMMAND);
        let answered = wait::until_paced(&deadline, "the workstation's answer", PACE, || async {
            match who_answers(&client, &storefront).await {
                Ok(answerer) if answerer == u64::from(pid) => {
                    Probe::<(), std::convert::Infallible>::Ready(())
                }
                Ok(answerer) => Probe::NotYet(format!("pid {answerer} answered")),
                Err(error) => Probe::NotYet(format!("{error:#}")),
            }
        });
        answered.await?;
        self.did("first answer of the workstation");
        let id = Ids::new().nth(0)?;
        let order = client
            .post(format!("{storefront}/checkout"))
            .header(names::TRACEPARENT, format!("00-{id}-b7ad6b7169203331-01"))
            .json(&json!({"customer_id": "c-1", "sku": "WIDGET-001", "quantity": 2}));
        order.send().await?.error_for_status()?;
        whole(self.run, &jaeger, id).await?;
        self.did("whole trace");
        Ok(self.began.elapsed().as_secs_f64() * 1e3)
    }

    /// Notes that something is done.
    fn did(&mut self, what: &str) {
        let ended_ms = self.began.elapsed().as_secs_f64() * 1e3;
        let before = self.steps.last().map_or(0.0, |step| step.ended_ms);
        self.steps.push(Step {
            name: what.to_owned(),
            took_ms: ended_ms - before,
            ended_ms,
        });
    }

    async fn call(&self, program: &str, args: &[&str]) -> Result<()> {
        self.answer(Call::new(self.spec(program, args))).await
    }

    async fn answer(&self, call: Call) -> Result<()> {
        let answer = self.run.call(&call, &self.run.deadline(COMMAND)).await?;
        answer.success().map(drop).map_err(Into::into)
    }

    fn spec(&self, program: &str, args: &[&str]) -> ProcessSpec {
        ProcessSpec::new(program, program)
            .args(args.iter().copied())
            .envs(self.variables.clone())
    }
}

/// The pid of the process that answers for order-service, asked through storefront.
async fn who_answers(client: &reqwest::Client, storefront: &str) -> Result<u64> {
    let answer = client
        .get(format!("{storefront}/route"))
        .query(&[("nonce", "by-hand")])
        .send()
        .await?;
    let route: Value = answer.error_for_status()?.json().await?;
    let hop = route["hops"].as_array().and_then(|hops| hops.last());
    hop.and_then(|hop| hop["pid"].as_u64())
        .context("no hop in the answer")
}

/// An image of the project's pins.
fn pin(name: &str) -> &'static str {
    let mut lines = PINS.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_that_are_loaded_by_hand_are_pinned() {
        for name in ["jaeger", "collector", "traffic-manager"] {
            assert!(
                pin(name).contains('/') && pin(name).contains(':'),
                "{name}: {}",
                pin(name)
            );
        }
        assert_eq!(pin("nothing"), "");
    }
}
