//! Where requests go, and when that changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get as on_get;
use testbed::Selection;
use tokio::sync::Notify;

use super::stage::{Peer, configured, get, header, mirror, nobody, proxy, serve, served_by, within};
use crate::proxy::ProxyError;

#[tokio::test]
async fn sends_everything_to_the_pod_without_an_intercept() {
    let proxy = proxy(mirror("pod").await).await;
    assert_eq!(served_by(&proxy, "").await, "pod");
    assert_eq!(served_by(&proxy, "x-debug: me\r\n").await, "pod");
}

#[tokio::test]
async fn sends_everything_to_the_workstation_while_all_is_intercepted() {
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    assert_eq!(served_by(&proxy, "").await, "workstation");
    assert_eq!(served_by(&proxy, "x-debug: me\r\n").await, "workstation");
}

#[tokio::test]
async fn sends_only_requests_with_the_header_to_the_workstation() {
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&header("X-Debug", "me"), mirror("workstation").await)
        .unwrap();
    assert_eq!(served_by(&proxy, "x-debug: me\r\n").await, "workstation");
    assert_eq!(served_by(&proxy, "X-DEBUG:  me \r\n").await, "workstation");
    for other in [
        "",
        "x-debug: Me\r\n",
        "x-debug: you\r\n",
        "x-debug: me, you\r\n",
        "x-other: me\r\n",
    ] {
        assert_eq!(served_by(&proxy, other).await, "pod", "{other:?}");
    }
}

#[tokio::test]
async fn gives_the_traffic_back_when_the_intercept_is_left() {
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    assert_eq!(served_by(&proxy, "").await, "workstation");
    assert!(proxy.leave());
    assert_eq!(served_by(&proxy, "").await, "pod");
    assert!(!proxy.leave(), "there is nothing left to leave");
}

#[tokio::test]
async fn replaces_an_intercept_that_was_active() {
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&header("x-debug", "me"), mirror("first").await)
        .unwrap();
    proxy
        .intercept(&header("x-debug", "you"), mirror("second").await)
        .unwrap();
    assert_eq!(served_by(&proxy, "x-debug: you\r\n").await, "second");
    assert_eq!(served_by(&proxy, "x-debug: me\r\n").await, "pod");
}

#[tokio::test]
async fn moves_connections_that_are_kept_alive_with_the_switch() {
    let proxy = proxy(mirror("pod").await).await;
    let workstation = mirror("workstation").await;
    let mut caller = Peer::connect(proxy.address()).await;
    for _ in 0..3 {
        assert!(caller.get("").await.1.contains("\"pod\""));
        proxy.intercept(&Selection::All, workstation).unwrap();
        assert!(caller.get("").await.1.contains("\"workstation\""));
        proxy.leave();
    }
    assert_eq!(proxy.counters().connections, 1);
}

#[tokio::test]
async fn lets_a_request_in_flight_finish_where_it_is() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (arrived.clone(), go.clone());
    let slow = on_get(move || async move {
        told.notify_one();
        wait.notified().await;
        "pod"
    });
    let proxy = proxy(serve(Router::new().route("/", slow)).await).await;
    let address = proxy.address();
    let early = tokio::spawn(async move { Peer::connect(address).await.get("").await });
    within(arrived.notified()).await;
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    assert_eq!(served_by(&proxy, "").await, "workstation");
    go.notify_one();
    assert_eq!(within(early).await.unwrap(), (200, "pod".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_nothing_to_the_old_target_once_a_switch_has_returned() {
    const TARGETS: [&str; 2] = ["\"pod\"", "\"workstation\""];
    let proxy = proxy(mirror("pod").await).await;
    let workstation = mirror("workstation").await;
    // Counts switches, twice each: odd while one is under way. A request is judged when it was sent and answered
    // between the same two switches.
    let phase = Arc::new(AtomicUsize::new(0));
    let judged = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (address, phase, judged) = (proxy.address(), phase.clone(), judged.clone());
            tokio::spawn(async move {
                let mut caller = Peer::connect(address).await;
                loop {
                    let before = phase.load(Ordering::SeqCst);
                    let (status, body) = caller.get("").await;
                    assert_eq!(status, 200, "{body}");
                    if before == phase.load(Ordering::SeqCst) && before.is_multiple_of(2) {
                        let expected = TARGETS[before / 2 % 2];
                        assert!(body.contains(expected), "{expected} expected: {body}");
                        judged.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        })
        .collect();
    for round in 0..20 {
        let enough = judged.load(Ordering::SeqCst) + 16;
        within(async {
            while judged.load(Ordering::SeqCst) < enough {
                assert!(
                    callers.iter().all(|caller| !caller.is_finished()),
                    "a caller failed"
                );
                tokio::task::yield_now().await;
            }
        })
        .await;
        phase.fetch_add(1, Ordering::SeqCst);
        if round % 2 == 0 {
            proxy.intercept(&Selection::All, workstation).unwrap();
        } else {
            proxy.leave();
        }
        phase.fetch_add(1, Ordering::SeqCst);
    }
    for caller in callers {
        caller.abort();
    }
}

#[tokio::test]
async fn answers_503_until_a_pod_is_known() {
    let proxy = configured(|_| {}).await;
    let (status, problem) = get(&proxy, "").await;
    assert_eq!((status, &problem["reason"]), (503, &"no-pod".into()), "{problem}");
    proxy.set_pod(Some(mirror("pod").await)).unwrap();
    assert_eq!(served_by(&proxy, "").await, "pod");
    proxy.set_pod(None).unwrap();
    assert_eq!(get(&proxy, "").await.0, 503);
}

#[tokio::test]
async fn intercepts_where_there_is_no_pod() {
    let proxy = configured(|_| {}).await;
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    assert_eq!(served_by(&proxy, "").await, "workstation");
}

#[tokio::test]
async fn refuses_itself_as_a_target() {
    let proxy = proxy(nobody().await).await;
    let own = proxy.address();
    for refused in [proxy.intercept(&Selection::All, own), proxy.set_pod(Some(own))] {
        assert!(
            matches!(refused, Err(ProxyError::Loop { address }) if address == own),
            "{refused:?}"
        );
    }
}
