//! Sends the load over gRPC: a few connections, on each one call after the other, as exporters do.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::{HeaderMap, Request as HttpRequest};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use testbed::Deadline;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::load::{Request, Shape};

/// Connections, each with one call at a time.
pub(crate) const CONNECTIONS: u64 = 4;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// An open gRPC connection.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    uri: String,
}

impl Connection {
    pub(crate) async fn open(addr: &str) -> Result<Self> {
        let stream = TcpStream::connect(addr)
            .await
            .with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // It ends when the sender is dropped, or with an error that every call on it reports too.
        drop(tokio::spawn(connection));
        Ok(Self {
            sender,
            uri: format!("http://{addr}{EXPORT}"),
        })
    }

    /// Makes one call and requires that all of it was accepted.
    pub(crate) async fn call(&mut self, message: Bytes) -> Result<()> {
        let request = HttpRequest::post(&self.uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let answer = self
            .sender
            .send_request(request.body(Full::new(message))?)
            .await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?;
        let status = |headers: &HeaderMap| headers.get("grpc-status").cloned();
        let status = body.trailers().and_then(status).or_else(|| status(&head.headers));
        ensure!(
            status.as_ref().is_some_and(|status| status == "0"),
            "refused: {:?} {status:?}",
            head.headers
        );
        // Some write an empty partial success. Rejected spans would make it longer.
        ensure!(body.to_bytes().len() <= 7, "partly refused");
        Ok(())
    }
}

/// What came of sending.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Time from a call to its acknowledgement, in milliseconds, of every call.
    pub(crate) acks: Vec<f64>,
    /// From the first call to the last acknowledgement.
    pub(crate) wall: Duration,
}

/// Sends the requests of these numbers, split over the connections.
pub(crate) async fn send(
    addr: &str,
    shape: Shape,
    numbers: std::ops::Range<u64>,
    deadline: &Deadline,
) -> Result<Sent> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(addr).await?);
    }
    let mut senders = JoinSet::new();
    let begin = Instant::now();
    for (connection, first) in connections.into_iter().zip(numbers.start..) {
        let numbers = (first..numbers.end).step_by(CONNECTIONS as usize);
        let deadline = deadline.clone();
        senders.spawn(async move { deadline.bound(send_all(connection, shape, numbers)).await });
    }
    let mut sent = Sent::default();
    while let Some(acks) = senders.join_next().await {
        let acks = acks?.map_err(|over| anyhow::anyhow!("sending was not done in time: {over:?}"))?;
        sent.acks.append(&mut acks?);
    }
    sent.wall = begin.elapsed();
    Ok(sent)
}

async fn send_all(
    mut connection: Connection,
    shape: Shape,
    numbers: impl Iterator<Item = u64>,
) -> Result<Vec<f64>> {
    let mut request = Request::new(shape);
    let mut acks = Vec::new();
    for number in numbers {
        let message = Bytes::copy_from_slice(request.fill(number));
        let begin = Instant::now();
        connection.call(message).await?;
        acks.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(acks)
}
