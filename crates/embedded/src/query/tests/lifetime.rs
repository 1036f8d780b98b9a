//! Beginning and end.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ORDERS;
use crate::query::{QueryError, QueryOptions, QueryServer};
use crate::store::SpanStore;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[tokio::test]
async fn an_address_that_is_taken_is_refused() {
    let first = QueryServer::bind(LOOPBACK)
        .await
        .unwrap()
        .serve(SpanStore::default());
    let error = QueryServer::bind(first.addr()).await.unwrap_err();
    assert!(
        matches!(&error, QueryError::Bind { addr, .. } if *addr == first.addr()),
        "{error}"
    );
    first.shutdown().await.unwrap();
}

#[tokio::test]
async fn nobody_answers_after_the_end() {
    let server = QueryServer::bind(LOOPBACK)
        .await
        .unwrap()
        .serve(SpanStore::default());
    let addr = server.addr();
    drop(TcpStream::connect(addr).await.unwrap());
    server.shutdown().await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_client_that_never_reads_does_not_hold_up_the_end() {
    let store = SpanStore::default();
    let mut data: opentelemetry_proto::tonic::trace::v1::TracesData = serde_json::from_str(ORDERS).unwrap();
    // Far more than the sockets on both sides can hold.
    data.resource_spans[0].scope_spans[0].spans[0].name = "x".repeat(16 << 20);
    store.insert(data.resource_spans).unwrap();
    let options = QueryOptions {
        grace: Duration::from_millis(50),
        ..QueryOptions::default()
    };
    let server = QueryServer::bind(LOOPBACK)
        .await
        .unwrap()
        .with_options(options)
        .serve(store);
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream
        .write_all(
            b"GET /api/v3/traces/4bf92f3577b34da6a3ce929d0e0e4736?rawTraces=true HTTP/1.1\r\nhost: a\r\n\r\n",
        )
        .await
        .unwrap();
    let mut first = [0];
    stream.read_exact(&mut first).await.unwrap();
    server.shutdown().await.unwrap();
}
