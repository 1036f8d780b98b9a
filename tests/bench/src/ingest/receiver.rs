//! The receiver under measurement, as a process of its own: our receiver and store, and a page to count by.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use clap::Args;
use embedded::otlp::OtlpReceiver;
use embedded::store::{Limits, SpanStore, value_text};
use serde::{Deserialize, Serialize};
use testbed::Signals;
use tokio::net::TcpListener;

use super::load::UNIQUE;

/// How large the store may get.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReceiverOptions {
    /// Most spans, and most traces
    #[arg(long)]
    spans: usize,
}

/// What the store holds, in numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    pub(crate) bytes: u64,
}

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Receives until told to stop. Announces both addresses on stdout: `receiver 127.0.0.1:1 127.0.0.1:2`.
pub(crate) async fn receive(options: ReceiverOptions) -> Result<()> {
    let signals = Signals::arm()?;
    let limits = Limits {
        traces: options.spans,
        spans: options.spans,
        bytes: usize::MAX,
        ..Limits::default()
    };
    let store = SpanStore::new(limits);
    let receiver = OtlpReceiver::bind(LOOPBACK).await?.serve(store.clone());
    let page = TcpListener::bind(LOOPBACK).await?;
    let addr = page.local_addr()?;
    let app = Router::new()
        .route("/held", get(held))
        .route("/traces/{id}", get(trace))
        .with_state(store);
    writeln!(std::io::stdout(), "receiver {} {addr}", receiver.addr())?;
    axum::serve(page, app)
        .with_graceful_shutdown(signals.interrupted().cancelled_owned())
        .await?;
    receiver.shutdown().await.context("the receiver did not end well")
}

async fn held(State(store): State<SpanStore>) -> Json<Held> {
    let stats = store.stats();
    Json(Held {
        spans: stats.spans as u64,
        traces: stats.traces as u64,
        bytes: stats.bytes as u64,
    })
}

/// The unique attribute of every span of a trace.
async fn trace(
    State(store): State<SpanStore>,
    Path(id): Path<String>,
) -> Result<Json<Vec<String>>, StatusCode> {
    let id = const_hex::decode_to_array(id).map_err(|_| StatusCode::BAD_REQUEST)?;
    let trace = store.trace(id).ok_or(StatusCode::NOT_FOUND)?;
    let spans = trace
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans);
    let unique = spans
        .flat_map(|span| &span.attributes)
        .filter(|attribute| attribute.key == UNIQUE);
    Ok(Json(
        unique
            .filter_map(|attribute| attribute.value.as_ref())
            .map(value_text)
            .collect(),
    ))
}
