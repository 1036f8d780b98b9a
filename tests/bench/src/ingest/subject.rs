//! Those who receive: started fresh for every run, asked afterwards whether everything is there.

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hyper::body::Bytes;
use jaeger_api::JaegerClient;
use testbed::wait::{self, Probe};
use testbed::{Process, Run};
use trace::{TraceId, Value};

use super::Who;
use super::load::{SPANS, Shape, UNIQUE, unique};
use super::receiver::Held;
use super::sender::Connection;
use crate::bed::{self, Container};

const JAEGER: &str = "jaegertracing/jaeger:2.13.0";
const COLLECTOR: &str = "otel/opentelemetry-collector-k8s:0.160.0";
/// How long one may take to answer its first call.
const START: Duration = Duration::from_secs(30);
/// How many spans, evenly spread over all that were sent, are looked up afterwards.
const SAMPLED: u64 = 64;

/// One that receives.
#[derive(Debug)]
pub(super) struct Subject {
    /// Its process, as this machine numbers it.
    pub(super) pid: u32,
    /// Where it takes OTLP/gRPC.
    pub(super) otlp: String,
    /// Where what it stores is queried; `None` when it stores nothing.
    queries: Option<JaegerClient>,
    /// Where it says how much it holds; `None` when it does not.
    held: Option<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Throughline(Process),
    Container(Container),
}

impl Subject {
    /// Starts one that can hold so many spans, and waits until it takes a call; `None` when it is not to be had here.
    pub(super) async fn start(run: &Run, who: Who, spans: u64) -> Result<Option<Self>> {
        let subject = match who {
            Who::Throughline => Some(throughline(run, spans).await?),
            Who::Jaeger => jaeger(run, spans).await?,
            Who::Collector => collector(run).await?,
        };
        let Some(subject) = subject else { return Ok(None) };
        wait::until(&run.deadline(START), &format!("{who} takes OTLP"), || async {
            // A port that is published is open before anything listens behind it, so only a call proves it.
            let call = async {
                Connection::open(&subject.otlp)
                    .await?
                    .call(Bytes::from_static(&[0; 5]))
                    .await
            };
            match call.await {
                Ok(()) => Probe::Ready(()),
                Err(error) => Probe::<(), Infallible>::not_yet(format!("{error:#}")),
            }
        })
        .await?;
        Ok(Some(subject))
    }

    /// Makes sure that everything sent can be queried; how many spans were looked up in their traces.
    pub(super) async fn verify(&self, shape: Shape, requests: u64) -> Result<u64> {
        if let Some(held) = &self.held {
            let held: Held = reqwest::get(held).await?.error_for_status()?.json().await?;
            ensure!(
                held.spans == requests * SPANS,
                "{} spans were sent: {held:?}",
                requests * SPANS
            );
            ensure!(
                held.traces * shape.spans_of_a_trace() == held.spans,
                "traces are missing: {held:?}"
            );
        }
        let Some(client) = &self.queries else { return Ok(0) };
        let sampled = SAMPLED.min(requests * SPANS);
        for sample in 0..sampled {
            let number = sample * (requests * SPANS - 1) / (sampled - 1).max(1);
            let (request, span) = (number / SPANS, number % SPANS);
            let trace = client
                .trace(TraceId::from_bytes(shape.trace_id(request, span))?)
                .await?;
            let trace = trace
                .with_context(|| format!("span {number} was acknowledged, and its trace is not there"))?;
            let spans = trace.spans();
            ensure!(
                spans.len() as u64 == shape.spans_of_a_trace(),
                "span {number}: {} in its trace",
                spans.len()
            );
            let expected = Value::from(unique(request, span).as_str());
            let found = spans
                .iter()
                .any(|span| span.attributes.get(UNIQUE) == Some(&expected));
            ensure!(found, "span {number} is not in its trace");
        }
        Ok(sampled)
    }

    /// Ends it, so that it does not disturb the next.
    pub(super) async fn stop(self, run: &Run) -> Result<()> {
        match self.kind {
            Kind::Throughline(process) => {
                let exit = process.stop(Duration::from_secs(10)).await?;
                ensure!(
                    exit.success(),
                    "the receiver ended with {exit}: {:?}",
                    process.tail()
                );
                Ok(())
            }
            Kind::Container(container) => container.stop(run).await,
        }
    }
}

async fn throughline(run: &Run, spans: u64) -> Result<Subject> {
    let process = bed::ourselves(run, "receiver", &["receiver", "--spans", &spans.to_string()])?;
    let announced = |line: &str| {
        let (otlp, queries) = line.strip_prefix("receiver ")?.split_once(' ')?;
        Some((otlp.to_owned(), format!("http://{queries}")))
    };
    let (otlp, queries) = process.line(&run.deadline(START), announced).await?;
    Ok(Subject {
        pid: process.pid(),
        otlp,
        held: Some(format!("{queries}/held")),
        queries: Some(JaegerClient::new(&queries)?),
        kind: Kind::Throughline(process),
    })
}

/// Jaeger as it is fastest: spans are stored when they are acknowledged, and it does not trace itself.
async fn jaeger(run: &Run, spans: u64) -> Result<Option<Subject>> {
    let config = serde_json::json!({
        "receivers": { "otlp": { "protocols": { "grpc": { "endpoint": "0.0.0.0:4317" } } } },
        "exporters": { "jaeger_storage_exporter": { "trace_storage": "memory" } },
        "extensions": {
            "jaeger_storage": { "backends": { "memory": { "memory": { "max_traces": spans } } } },
            "jaeger_query": {
                "storage": { "traces": "memory" },
                "enable_tracing": false,
                "http": { "endpoint": "0.0.0.0:16686" },
            },
        },
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query"],
            "pipelines": { "traces": { "receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"] } },
            "telemetry": { "metrics": { "level": "none" } },
        },
    });
    let Some(container) = with_config(run, JAEGER, &config, &[4317, 16686]).await? else {
        return Ok(None);
    };
    let otlp = container.port(run, 4317).await?;
    let client = JaegerClient::new(&format!("http://{}", container.port(run, 16686).await?))?;
    Ok(Some(Subject {
        pid: container.pid,
        otlp,
        queries: Some(client),
        held: None,
        kind: Kind::Container(container),
    }))
}

async fn collector(run: &Run) -> Result<Option<Subject>> {
    let config = serde_json::json!({
        "receivers": { "otlp": { "protocols": { "grpc": { "endpoint": "0.0.0.0:4317" } } } },
        "exporters": { "debug": { "verbosity": "basic" } },
        "service": {
            "pipelines": { "traces": { "receivers": ["otlp"], "exporters": ["debug"] } },
            "telemetry": { "metrics": { "level": "none" } },
        },
    });
    let Some(container) = with_config(run, COLLECTOR, &config, &[4317]).await? else {
        return Ok(None);
    };
    let otlp = container.port(run, 4317).await?;
    Ok(Some(Subject {
        pid: container.pid,
        otlp,
        queries: None,
        held: None,
        kind: Kind::Container(container),
    }))
}

async fn with_config(
    run: &Run,
    image: &str,
    config: &serde_json::Value,
    ports: &[u16],
) -> Result<Option<Container>> {
    let path = run.dir().file(format!("{}.yaml", image.replace(['/', ':'], "-")));
    // JSON is YAML.
    fs::write(&path, config.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    let mut options = vec![
        "--volume".to_owned(),
        format!("{}:/etc/bench.yaml:ro", path.display()),
    ];
    options.extend(ports.iter().map(|port| format!("--publish=127.0.0.1::{port}")));
    Container::start(run, image, &options, &["--config", "/etc/bench.yaml"]).await
}
