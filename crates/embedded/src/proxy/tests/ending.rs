//! The end of a proxy: in order, in time, and nothing left.

use std::sync::Arc;
use std::time::Duration;

use testbed::Explain;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::stage::{LOOPBACK, Peer, configured, mirror, proxy, scripted, within};
use crate::proxy::{InterceptProxy, ProxyConfig, ProxyError};

#[tokio::test]
async fn lets_a_request_finish_and_accepts_no_other() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrival, gone) = (arrived.clone(), go.clone());
    let target = scripted(move |mut peer| {
        let (arrived, go) = (arrival.clone(), gone.clone());
        async move {
            peer.head().await;
            arrived.notify_one();
            go.notified().await;
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        }
    })
    .await;
    let proxy = configured(|config| {
        config.pod = Some(target);
        config.grace = Duration::from_secs(30);
    })
    .await;
    let address = proxy.address();
    let mut caller = Peer::connect(address).await;
    caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
    within(arrived.notified()).await;
    let ending = tokio::spawn(proxy.shutdown());
    within(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    assert!(!ending.is_finished(), "a request is still under way");
    go.notify_one();
    assert_eq!(caller.answer().await.0, 200);
    assert_eq!(caller.rest().await, (String::new(), true));
    within(ending).await.unwrap().unwrap();
}

#[tokio::test]
async fn ends_what_does_not_finish_in_time() {
    let ended = Arc::new(Notify::new());
    let end = ended.clone();
    let silent = scripted(move |mut peer| {
        let end = end.clone();
        async move {
            peer.head().await;
            peer.rest().await;
            end.notify_one();
        }
    })
    .await;
    let proxy = configured(|config| {
        config.pod = Some(silent);
        config.grace = Duration::from_millis(50);
    })
    .await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
    while proxy.counters().to_pod == 0 {
        tokio::task::yield_now().await;
    }
    within(proxy.shutdown()).await.unwrap();
    assert_eq!(caller.rest().await.0, "");
    within(ended.notified()).await;
}

#[tokio::test]
async fn does_not_wait_for_connections_without_a_request() {
    let proxy = configured(|config| config.grace = Duration::from_secs(600)).await;
    proxy.set_pod(Some(mirror("pod").await)).unwrap();
    let mut kept = Peer::connect(proxy.address()).await;
    assert_eq!(kept.get("").await.0, 200);
    let mut fresh = Peer::connect(proxy.address()).await;
    while proxy.counters().connections < 2 {
        tokio::task::yield_now().await;
    }
    within(proxy.shutdown()).await.unwrap();
    for caller in [&mut kept, &mut fresh] {
        assert_eq!(caller.rest().await.0, "");
    }
}

#[tokio::test]
async fn ends_tunnels_that_nobody_closes() {
    let echo = scripted(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
            .await;
        peer.rest().await;
    });
    let proxy = configured(|config| config.grace = Duration::from_millis(50)).await;
    proxy.set_pod(Some(echo.await)).unwrap();
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
        .await;
    assert!(caller.head().await.starts_with("HTTP/1.1 101 "));
    within(proxy.shutdown()).await.unwrap();
    assert_eq!(caller.rest().await.0, "");
}

#[tokio::test]
async fn ends_at_once_when_the_handle_is_dropped() {
    let proxy = proxy(mirror("pod").await).await;
    let control = proxy.control();
    let mut caller = Peer::connect(control.address()).await;
    assert_eq!(caller.get("").await.0, 200);
    drop(proxy);
    assert_eq!(caller.rest().await.0, "");
    within(async { while TcpStream::connect(control.address()).await.is_ok() {} }).await;
}

#[tokio::test]
async fn closes_kept_connections_to_a_target_that_is_left() {
    let (idle, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let end = ended.clone();
    let workstation = scripted(move |mut peer| {
        let end = end.clone();
        async move {
            peer.head().await;
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
            assert_eq!(peer.rest().await, (String::new(), true));
            end.notify_one();
        }
    })
    .await;
    drop(idle);
    let proxy = proxy(mirror("pod").await).await;
    proxy.intercept(&testbed::Selection::All, workstation).unwrap();
    assert_eq!(Peer::connect(proxy.address()).await.get("").await.0, 200);
    proxy.leave();
    within(ended.notified()).await;
}

#[tokio::test]
async fn says_which_address_is_taken() {
    let taken = proxy(mirror("pod").await).await;
    let error = InterceptProxy::bind(taken.address(), ProxyConfig::new("order-service"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the proxy cannot listen on {}", taken.address())
    );
    assert!(matches!(error, ProxyError::Bind { .. }) && error.hint().is_none());
}

#[tokio::test]
async fn says_that_a_limit_is_too_low() {
    let mut config = ProxyConfig::new("order-service");
    config.max_head = 100;
    let error = InterceptProxy::bind(LOOPBACK, config).await.unwrap_err();
    assert!(
        matches!(error, ProxyError::HeadLimit { asked: 100, .. }),
        "{error}"
    );
}
