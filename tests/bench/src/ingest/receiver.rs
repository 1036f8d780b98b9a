//! The receiver under measurement, as a process of its own: our receiver, our store and its query API.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use axum::Json;
use axum::routing::get;
use clap::Args;
use embedded::otlp::OtlpReceiver;
use embedded::query;
use embedded::store::{Limits, SpanStore};
use serde::{Deserialize, Serialize};
use testbed::Signals;
use tokio::net::TcpListener;

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

/// Receives until told to stop. Announces on stdout where it takes OTLP and where it is queried:
/// `receiver 127.0.0.1:1 127.0.0.1:2`.
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
    let queries = TcpListener::bind(LOOPBACK).await?;
    let addr = queries.local_addr()?;
    // The API has no exact count of everything.
    let held = {
        let store = store.clone();
        move || async move { Json(Held::of(&store)) }
    };
    let app = query::router(store).route("/held", get(held));
    writeln!(std::io::stdout(), "receiver {} {addr}", receiver.addr())?;
    axum::serve(queries, app)
        .with_graceful_shutdown(signals.interrupted().cancelled_owned())
        .await?;
    receiver.shutdown().await.context("the receiver did not end well")
}

impl Held {
    fn of(store: &SpanStore) -> Self {
        let stats = store.stats();
        Self {
            spans: stats.spans as u64,
            traces: stats.traces as u64,
            bytes: stats.bytes as u64,
        }
    }
}
