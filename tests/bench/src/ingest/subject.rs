//! Those who receive: started fresh for every run, asked afterwards whether everything is there.

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hyper::body::Bytes;
use jaeger_api::JaegerClient;
use testbed::wait::{self, Probe};
use testbed::{Process, Run};
use trace::TraceId;

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
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Throughline {
        process: Process,
        page: String,
    },
    Jaeger {
        container: Container,
        client: JaegerClient,
    },
    Collector(Container),
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

    /// Makes sure that everything sent can be queried; how many spans were looked up.
    pub(super) async fn verify(&self, shape: Shape, requests: u64) -> Result<u64> {
        match &self.kind {
            Kind::Collector(_) => return Ok(0),
            Kind::Jaeger { .. } => {}
            Kind::Throughline { page, .. } => {
                let held: Held = get(&format!("{page}/held")).await?.context("nothing is held")?;
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
        }
        let sampled = SAMPLED.min(requests * SPANS);
        for sample in 0..sampled {
            let number = sample * (requests * SPANS - 1) / (sampled - 1).max(1);
            let (request, span) = (number / SPANS, number % SPANS);
            let found = self.unique(shape.trace_id(request, span)).await?;
            ensure!(
                found.len() as u64 == shape.spans_of_a_trace(),
                "span {number}: {} in its trace",
                found.len()
            );
            ensure!(
                found.contains(&unique(request, span)),
                "span {number} is not in its trace"
            );
        }
        Ok(sampled)
    }

    /// The unique attribute of every span of a trace.
    async fn unique(&self, id: [u8; 16]) -> Result<Vec<String>> {
        match &self.kind {
            Kind::Throughline { page, .. } => {
                let url = format!("{page}/traces/{}", const_hex::encode(id));
                Ok(get(&url).await?.unwrap_or_default())
            }
            Kind::Jaeger { client, .. } => {
                let trace = client.trace(TraceId::from_bytes(id)?).await?;
                let spans = trace.iter().flat_map(|trace| trace.spans());
                Ok(spans
                    .filter_map(|span| span.attributes.get(UNIQUE))
                    .map(ToString::to_string)
                    .collect())
            }
            Kind::Collector(_) => bail!("the Collector stores nothing"),
        }
    }

    /// Ends it, so that it does not disturb the next.
    pub(super) async fn stop(self, run: &Run) -> Result<()> {
        match self.kind {
            Kind::Throughline { process, .. } => {
                let exit = process.stop(Duration::from_secs(10)).await?;
                ensure!(
                    exit.success(),
                    "the receiver ended with {exit}: {:?}",
                    process.tail()
                );
                Ok(())
            }
            Kind::Jaeger { container, .. } | Kind::Collector(container) => container.stop(run).await,
        }
    }
}

async fn throughline(run: &Run, spans: u64) -> Result<Subject> {
    let process = bed::ourselves(run, "receiver", &["receiver", "--spans", &spans.to_string()])?;
    let announced = |line: &str| {
        let (otlp, page) = line.strip_prefix("receiver ")?.split_once(' ')?;
        Some((otlp.to_owned(), format!("http://{page}")))
    };
    let (otlp, page) = process.line(&run.deadline(START), announced).await?;
    Ok(Subject {
        pid: process.pid(),
        otlp,
        kind: Kind::Throughline { process, page },
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
        kind: Kind::Jaeger { container, client },
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
        kind: Kind::Collector(container),
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

async fn get<T: serde::de::DeserializeOwned>(url: &str) -> Result<Option<T>> {
    let answer = reqwest::get(url).await?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    Ok(Some(answer.error_for_status()?.json().await?))
}
