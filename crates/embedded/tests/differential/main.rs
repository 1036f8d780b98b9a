//! Our query API beside a real Jaeger's: the same spans into both, the same requests to both, and the same answers.
//!
//! Opt-in, because it needs Docker and Jaeger's image:
//! `cargo test -p embedded --features differential --test differential`
//!
//! Jaeger 2.13 is what there is an image of; the API follows 2.20. Where the two are known to differ, a case says so and
//! why, and fails when they no longer do.

mod cases;
mod client;
mod compare;
mod jaeger;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use embedded::otlp::OtlpReceiver;
use embedded::query::QueryServer;
use embedded::store::SpanStore;
use testbed::{EnvironmentName, Run, RunOptions, Signals};

use cases::{Case, Verdict};
use jaeger::Jaeger;

/// What is sent: ordinary orders, and whatever is odd in OTLP.
const DATA: [&str; 2] = [
    include_str!("../../../jaeger-api/tests/recorded/orders.otlp.json"),
    include_str!("edges.otlp.json"),
];
/// One span of the last trace of each, by which its arrival is seen.
const LAST_TRACES: [&str; 2] = ["4bf92f3577b34da6a3ce929d0e0e4739", "d269b633813fc60d"];

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match with_run().await {
        Ok(Some(0)) => ExitCode::SUCCESS,
        Ok(Some(unexpected)) => {
            say(&format!("FAILED: {unexpected} answers are not as expected"));
            ExitCode::FAILURE
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("FAILED: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Everything that is started is undone here. `None` when there is no Docker.
async fn with_run() -> Result<Option<usize>, Failure> {
    let signals = Signals::arm()?;
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    let environment = EnvironmentName::Containers;
    let (run, _events) = Run::begin(RunOptions {
        root,
        environment,
        keep: false,
        signals,
    })?;
    let compared = compare_all(&run).await;
    let undone = run.finish().await;
    if !undone.failed.is_empty() {
        say(&format!("not everything could be undone: {:?}", undone.failed));
    }
    compared
}

async fn compare_all(run: &Run) -> Result<Option<usize>, Failure> {
    if let Err(reason) = jaeger::docker(run).await {
        say("SKIPPED: NOTHING WAS COMPARED WITH A REAL JAEGER");
        say(&format!("SKIPPED: {reason}"));
        return Ok(None);
    }
    let theirs = Jaeger::start(run).await.map_err(|error| error.to_string())?;
    let store = SpanStore::default();
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let receiver = OtlpReceiver::bind(loopback).await?.serve(store.clone());
    let query = QueryServer::bind(loopback).await?.serve(store);
    let http = reqwest::Client::new();
    for (data, last) in DATA.iter().zip(LAST_TRACES) {
        for otlp in [&theirs.otlp, &receiver.endpoint()] {
            let request = http
                .post(format!("{otlp}/v1/traces"))
                .header("content-type", "application/json");
            request.body(*data).send().await?.error_for_status()?;
        }
        theirs.has(&http, run, last).await?;
    }
    let mut unexpected = 0;
    for difference in client::differences(&theirs.query, &query.url()).await? {
        say(&difference);
        unexpected += 1;
    }
    for case in cases::all() {
        unexpected += usize::from(!as_expected(&http, &case, &theirs.query, &query.url()).await?);
    }
    say(&format!(
        "{} answers compared with those of Jaeger {}",
        cases::all().len(),
        jaeger::VERSION
    ));
    query.shutdown().await?;
    receiver.shutdown().await?;
    Ok(Some(unexpected))
}

async fn as_expected(http: &reqwest::Client, case: &Case, theirs: &str, ours: &str) -> Result<bool, Failure> {
    let theirs = compare::fetch(http, case, theirs, case.theirs.as_deref().unwrap_or(&case.uri)).await?;
    let ours = compare::fetch(http, case, ours, &case.uri).await?;
    let difference = compare::difference(&theirs, &ours);
    let uri = &case.uri;
    Ok(match (&case.verdict, difference) {
        (Verdict::Same, None) => true,
        (Verdict::Same, Some(difference)) => {
            say(&format!(
                "{uri}\n  {difference}\n  Jaeger: {theirs}\n  ours:   {ours}"
            ));
            false
        }
        (Verdict::Differs(_), Some(_)) => true,
        (Verdict::Differs(why), None) => {
            say(&format!(
                "{uri}\n  no longer differs, although {why}\n  both:   {ours}"
            ));
            false
        }
    })
}

#[expect(
    clippy::print_stderr,
    reason = "this test has no harness that would print for it"
)]
fn say(text: &str) {
    eprintln!("differential: {text}");
}

/// How long Jaeger has to come up, and later to show what it was sent.
const LIMIT: Duration = Duration::from_secs(60);
