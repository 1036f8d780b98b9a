//! Many callers at a time.

use axum::Router;
use axum::body::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::Full;
use testbed::Selection;
use tokio::sync::Barrier;

use std::sync::Arc;

use super::stage::{LOOPBACK, Peer, header, http2, mirror, proxy, serve, told, within};
use crate::proxy::{InterceptProxy, ProxyConfig};

const MANY: usize = 1000;

/// A target that answers nobody before everybody is there.
async fn meeting(name: &'static str, guests: usize) -> std::net::SocketAddr {
    let all = Arc::new(Barrier::new(guests));
    let app = Router::new().fallback(move || {
        let all = all.clone();
        async move {
            all.wait().await;
            format!("{{\"name\":\"{name}\"}}")
        }
    });
    serve(app).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_a_thousand_requests_at_a_time_on_connections_of_their_own() {
    let proxy = proxy(meeting("pod", MANY / 2).await).await;
    proxy
        .intercept(&header("x-debug", "me"), meeting("workstation", MANY / 2).await)
        .unwrap();
    let address = proxy.address();
    let callers = (0..MANY).map(|number| {
        tokio::spawn(async move {
            let (fields, expected) = if number % 2 == 0 {
                ("x-debug: me\r\n", "workstation")
            } else {
                ("", "pod")
            };
            let (status, body) = Peer::connect(address).await.get(fields).await;
            assert_eq!((status, body), (200, format!("{{\"name\":\"{expected}\"}}")));
        })
    });
    for caller in within(join_all(callers)).await {
        caller.unwrap();
    }
    let counters = proxy.counters();
    assert_eq!((counters.to_pod, counters.to_workstation), (500, 500));
    assert_eq!(counters.answered_by_proxy, 0);
    within(proxy.shutdown()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_a_thousand_requests_at_a_time_on_one_http2_connection() {
    let proxy = proxy(meeting("pod", MANY).await).await;
    let caller = http2();
    // The first exchange learns how many streams the proxy allows; a caller may not open more before it knows.
    let url = proxy.url();
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    let first = Request::get(&url).body(Full::<Bytes>::default()).unwrap();
    assert_eq!(
        told(within(caller.request(first)).await.unwrap()).await.1["name"],
        "workstation"
    );
    proxy.leave();
    let answers = (0..MANY).map(|_| {
        let asked = Request::get(&url).body(Full::<Bytes>::default()).unwrap();
        let answer = caller.request(asked);
        tokio::spawn(async move { told(answer.await.unwrap()).await })
    });
    for answer in within(join_all(answers)).await {
        let (status, got, _) = answer.unwrap();
        assert_eq!((status, &got["name"]), (StatusCode::OK, &"pod".into()));
    }
    within(proxy.shutdown()).await.unwrap();
}

#[tokio::test]
async fn uses_one_connection_to_the_target_for_requests_in_a_row() {
    let connections = super::stage::Notes::default();
    let opened = connections.clone();
    let target = super::stage::scripted(move |mut peer| {
        opened.add("opened");
        async move {
            while !peer.head().await.is_empty() {
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
            }
        }
    })
    .await;
    let proxy = proxy(target).await;
    for _ in 0..50 {
        assert_eq!(Peer::connect(proxy.address()).await.get("").await.0, 200);
    }
    assert_eq!(connections.all().len(), 1);
}

/// The standard library's queue holds 128; whoever comes then is not heard and tries again a second later.
#[tokio::test]
async fn lets_a_burst_of_callers_in_before_the_first_is_accepted() {
    let proxy = InterceptProxy::bind(LOOPBACK, ProxyConfig::new("order-service"))
        .await
        .unwrap();
    let mut waiting = Vec::new();
    for _ in 0..400 {
        waiting.push(Peer::connect(proxy.address()).await);
    }
    let proxy = proxy.serve();
    proxy.set_pod(Some(mirror("pod").await)).unwrap();
    for caller in &mut waiting {
        assert_eq!(caller.get("").await.0, 200);
    }
}
