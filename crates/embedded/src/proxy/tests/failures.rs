//! What a caller is told when things go wrong, and what is not done behind its back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testbed::Selection;

use super::stage::{Notes, Peer, configured, get, mirror, nobody, proxy, scripted, within};

#[tokio::test]
async fn names_the_workstation_that_refuses_connections() {
    let proxy = proxy(mirror("pod").await).await;
    let gone = nobody().await;
    proxy.intercept(&Selection::All, gone).unwrap();
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
    let head = caller.head().await;
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/problem+json\r\n"),
        "{head}"
    );
    let (status, problem) = get(&proxy, "").await;
    assert_eq!(status, 502);
    assert_eq!(
        problem,
        serde_json::json!({
            "title": "Bad Gateway",
            "status": 502,
            "detail": format!("order-service@workstation at {gone}: could not be reached: connection refused"),
            "service": "order-service",
            "site": "workstation",
            "target": gone.to_string(),
            "reason": "refused",
        })
    );
}

#[tokio::test]
async fn names_the_pod_that_refuses_connections_and_not_the_workstation() {
    let proxy = proxy(nobody().await).await;
    let (status, problem) = get(&proxy, "").await;
    assert_eq!((status, &problem["site"]), (502, &"cluster".into()), "{problem}");
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    assert_eq!(get(&proxy, "").await.0, 200);
}

#[tokio::test]
async fn recovers_as_soon_as_the_target_is_there_again() {
    let listener = tokio::net::TcpListener::bind(super::stage::LOOPBACK)
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = proxy(address).await;
    assert_eq!(get(&proxy, "").await.0, 502);
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(|| async { "{}" })).await });
    assert_eq!(get(&proxy, "").await.0, 200);
}

/// The status and reason that a caller gets from a target with this script.
async fn told<F>(script: impl Fn(Peer) -> F + Send + 'static) -> (u16, String)
where
    F: Future<Output = ()> + Send + 'static,
{
    let proxy = proxy(scripted(script).await).await;
    let (status, problem) = get(&proxy, "").await;
    (
        status,
        problem["reason"]
            .as_str()
            .unwrap_or_else(|| panic!("{problem}"))
            .to_owned(),
    )
}

#[tokio::test]
async fn tells_that_a_target_closed_the_connection_before_it_answered() {
    let closed = told(|mut peer| async move {
        peer.head().await;
    });
    assert_eq!(closed.await, (502, "closed".to_owned()));
}

#[tokio::test]
async fn tells_that_a_target_reset_the_connection() {
    // Closing a socket with unread data resets the connection.
    let reset = told(|peer| async move {
        peer.0.get_ref().peek(&mut [0; 1]).await.unwrap();
    });
    assert_eq!(reset.await, (502, "reset".to_owned()));
}

#[tokio::test]
async fn tells_that_a_target_does_not_speak_http() {
    let noise = told(|mut peer| async move {
        peer.head().await;
        peer.send("220 mail.example ESMTP\r\n\r\n").await;
        peer.rest().await;
    });
    assert_eq!(noise.await, (502, "not-http".to_owned()));
}

#[tokio::test]
async fn tells_that_a_target_switched_protocols_unasked() {
    let switched = told(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n")
            .await;
        peer.rest().await;
    });
    assert_eq!(switched.await, (502, "protocol".to_owned()));
}

#[tokio::test]
async fn refuses_the_head_of_a_response_that_is_too_large() {
    let large = told(|mut peer| async move {
        peer.head().await;
        let filler = "x".repeat(80 << 10);
        peer.send(&format!(
            "HTTP/1.1 200 OK\r\nx-filler: {filler}\r\ncontent-length: 0\r\n\r\n"
        ))
        .await;
        peer.rest().await;
    });
    assert_eq!(large.await, (502, "too-large".to_owned()));
}

#[tokio::test]
async fn breaks_off_when_the_target_dies_in_the_middle_of_a_body() {
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        let part = if framing.starts_with('t') {
            "5\r\nhello\r\n"
        } else {
            "hello"
        };
        let target = scripted(move |mut peer| async move {
            peer.head().await;
            peer.send(&format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{part}"))
                .await;
        })
        .await;
        let proxy = proxy(target).await;
        let mut caller = Peer::connect(proxy.address()).await;
        caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
        assert!(caller.head().await.starts_with("HTTP/1.1 200 OK"));
        let (body, _) = caller.rest().await;
        assert!(body.contains("hello"), "{body:?}");
        assert!(
            !body.ends_with("0\r\n\r\n"),
            "a broken body must not look complete: {body:?}"
        );
        assert_eq!(proxy.counters().broken_off, 1);
    }
}

#[tokio::test]
async fn passes_a_whole_body_without_calling_it_broken() {
    let proxy = proxy(mirror("pod").await).await;
    assert_eq!(get(&proxy, "").await.0, 200);
    assert_eq!(proxy.counters().broken_off, 0);
}

#[tokio::test]
async fn gives_up_the_target_when_the_callers_body_breaks_off() {
    let notes = Notes::default();
    let (written, ended) = (notes.clone(), Arc::new(tokio::sync::Notify::new()));
    let end = ended.clone();
    let target = scripted(move |mut peer| {
        let (notes, ended) = (written.clone(), ended.clone());
        async move {
            peer.head().await;
            let (body, _) = peer.rest().await;
            notes.add(body);
            ended.notify_one();
        }
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send("POST / HTTP/1.1\r\nhost: order-service\r\ncontent-length: 100\r\n\r\nhalf")
        .await;
    drop(caller);
    within(end.notified()).await;
    assert_eq!(notes.all(), ["half"]);
}

#[tokio::test]
async fn answers_504_when_a_configured_limit_is_over() {
    let silent = scripted(|mut peer| async move {
        peer.rest().await;
    })
    .await;
    let proxy = configured(|config| {
        config.pod = Some(silent);
        config.answer_limit = Some(Duration::from_millis(50));
    })
    .await;
    let (status, problem) = get(&proxy, "").await;
    assert_eq!(
        (status, &problem["reason"]),
        (504, &"time-limit".into()),
        "{problem}"
    );
}

#[tokio::test]
async fn does_not_repeat_a_request_that_a_target_may_have_seen() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    // Answers the first request of a connection and drops the second one.
    let target = scripted(move |mut peer| {
        let counted = counted.clone();
        async move {
            peer.head().await;
            counted.fetch_add(1, Ordering::SeqCst);
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
            if !peer.head().await.is_empty() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    assert_eq!(caller.get("").await.0, 200);
    assert_eq!(caller.get("").await.0, 502);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn takes_another_connection_when_a_kept_one_has_ended() {
    // Never says that it closes the connection, and does.
    let target = scripted(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    for _ in 0..200 {
        let (status, body) = caller.get("").await;
        assert_eq!(status, 200, "{body}");
    }
}

#[tokio::test]
async fn refuses_the_head_of_a_request_that_is_too_large() {
    let proxy = proxy(mirror("pod").await).await;
    let filler = |length| format!("x-filler: {}\r\n", "x".repeat(length));
    assert_eq!(
        Peer::connect(proxy.address())
            .await
            .get(&filler(60 << 10))
            .await
            .0,
        200
    );
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send(&format!(
            "GET / HTTP/1.1\r\nhost: order-service\r\n{}\r\n",
            filler(70 << 10)
        ))
        .await;
    let head = caller.head().await;
    assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
}

#[tokio::test]
async fn declines_to_connect_to_elsewhere() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send("CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n")
        .await;
    let (status, problem) = caller.answer().await;
    assert_eq!(status, 501, "{problem}");
}
