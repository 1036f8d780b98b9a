//! Our own client over a real connection: what the rest of the workspace does with this API.

use std::net::{Ipv4Addr, SocketAddr};

use jaeger_api::{JaegerClient, SearchApi, SearchQuery};
use trace::{ServiceName, UnixNanos};

use super::{HALF, LINKS, ORDER, ORDERS, SHORT};
use crate::query::{QueryHandle, QueryServer};
use crate::store::SpanStore;

async fn up() -> (QueryHandle, JaegerClient) {
    let store = SpanStore::default();
    let data: opentelemetry_proto::tonic::trace::v1::TracesData = serde_json::from_str(ORDERS).unwrap();
    store.insert(data.resource_spans).unwrap();
    let server = QueryServer::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .await
        .unwrap()
        .serve(store);
    let client = JaegerClient::new(&server.url()).unwrap();
    (server, client)
}

fn window() -> std::ops::Range<UnixNanos> {
    UnixNanos(1_764_000_000_000_000_000)..UnixNanos(1_764_000_002_000_000_000)
}

#[tokio::test]
async fn the_client_takes_it_for_a_jaeger_with_everything() {
    let (server, client) = up().await;
    let flavour = client.probe().await.unwrap();
    assert_eq!((flavour.search, flavour.summaries), (SearchApi::Legacy, true));
    assert_eq!(client.services().await.unwrap().len(), 3);
    assert_eq!(
        client
            .operations(&ServiceName::from("order-service"))
            .await
            .unwrap()
            .len(),
        3
    );
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_client_finds_every_trace() {
    let (server, client) = up().await;
    for (id, spans) in [(ORDER, 6), (SHORT, 1), (LINKS, 2), (HALF, 1)] {
        let trace = client.trace(id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((trace.id(), trace.spans().len()), (id.parse().unwrap(), spans));
    }
    assert_eq!(client.trace("ff".parse().unwrap()).await.unwrap(), None);
    let links = client.trace(LINKS.parse().unwrap()).await.unwrap().unwrap();
    let has_parent: Vec<_> = links.spans().iter().map(|span| span.parent.is_some()).collect();
    assert_eq!(
        has_parent,
        [false, true],
        "a root's link into its own trace is no parent"
    );
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_client_searches_by_request() {
    let (server, client) = up().await;
    let services = ["storefront", "order-service", "inventory-service", "nobody"].map(ServiceName::from);
    let found = client
        .traces_by_request(&"r-81".parse().unwrap(), &services, window())
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|trace| trace.id().to_string())
            .collect::<Vec<_>>(),
        [ORDER]
    );
    let query = SearchQuery::new(ServiceName::from("order-service"), window());
    assert_eq!(client.search(&query).await.unwrap().len(), 2);
    let summaries = client.summaries(&query).await.unwrap();
    assert_eq!(
        summaries
            .iter()
            .map(|summary| (summary.spans, summary.orphan_spans))
            .collect::<Vec<_>>(),
        [(1, 1), (6, 1)]
    );
    server.shutdown().await.unwrap();
}
