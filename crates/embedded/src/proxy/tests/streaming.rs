//! Bodies that take their time, in both directions, and how they end.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::stage::{Notes, Peer, configured, mirror, proxy, scripted, within};

const POST: &str = "POST / HTTP/1.1\r\nhost: order-service\r\n";

#[tokio::test]
async fn passes_on_a_response_before_it_ends() {
    let (go, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (gone, ended) = (go.clone(), end.clone());
    let target = scripted(move |mut peer| {
        let (go, end) = (gone.clone(), ended.clone());
        async move {
            peer.head().await;
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            for part in ["first", "later"] {
                go.notified().await;
                peer.send(&format!("5\r\n{part}\r\n")).await;
            }
            end.notified().await;
            peer.send("0\r\n\r\n").await;
            peer.rest().await;
        }
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
    // Each part is there before the target is allowed to go on.
    assert!(caller.head().await.starts_with("HTTP/1.1 200"));
    for part in ["first", "later"] {
        go.notify_one();
        assert_eq!(caller.exact(10).await, format!("5\r\n{part}\r\n"));
    }
    end.notify_one();
    assert_eq!(caller.exact(5).await, "0\r\n\r\n");
}

#[tokio::test]
async fn passes_on_a_request_before_it_ends() {
    let notes = Notes::default();
    let (written, arrived) = (notes.clone(), Arc::new(Notify::new()));
    let arrival = arrived.clone();
    let target = scripted(move |mut peer| {
        let (notes, arrived) = (written.clone(), arrived.clone());
        async move {
            peer.head().await;
            for _ in 0..2 {
                notes.add(peer.exact(5).await);
                arrived.notify_one();
            }
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            peer.rest().await;
        }
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send(&format!("{POST}content-length: 10\r\n\r\n")).await;
    for part in ["first", "later"] {
        caller.send(part).await;
        within(arrival.notified()).await;
    }
    assert_eq!(notes.all(), ["first", "later"]);
    assert_eq!(caller.answer().await.0, 200);
}

#[tokio::test]
async fn carries_a_conversation_of_request_and_response_bodies() {
    let target = scripted(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        for _ in 0..3 {
            let chunk = peer.exact(8).await;
            peer.send(&chunk).await;
        }
        peer.send("0\r\n\r\n").await;
        peer.rest().await;
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send(&format!("{POST}transfer-encoding: chunked\r\n\r\n"))
        .await;
    assert!(caller.head().await.starts_with("HTTP/1.1 200"));
    for word in ["one", "two", "six"] {
        caller.send(&format!("3\r\n{word}\r\n")).await;
        assert_eq!(caller.exact(8).await, format!("3\r\n{word}\r\n"));
    }
    caller.send("0\r\n\r\n").await;
    assert_eq!(caller.exact(5).await, "0\r\n\r\n");
}

/// The request must go on while nobody reads the response: otherwise such a caller and the proxy wait for each other.
#[tokio::test]
async fn keeps_taking_a_request_while_the_response_is_not_read() {
    const LENGTH: usize = 16 << 20;
    let target = scripted(|peer| async move {
        let mut peer = peer;
        peer.head().await;
        peer.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n"))
            .await;
        let (mut reader, mut writer) = tokio::io::split(peer.0);
        let writing = async {
            writer.write_all(&vec![b'r'; LENGTH]).await.unwrap();
        };
        let reading = async {
            let mut body = vec![0; LENGTH];
            reader.read_exact(&mut body).await.unwrap();
        };
        tokio::join!(writing, reading);
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send(&format!("{POST}content-length: {LENGTH}\r\n\r\n"))
        .await;
    within(caller.0.write_all(&vec![b'q'; LENGTH])).await.unwrap();
    assert!(caller.head().await.starts_with("HTTP/1.1 200"));
    let mut body = vec![0; LENGTH];
    within(caller.0.read_exact(&mut body)).await.unwrap();
}

#[tokio::test]
async fn passes_trailers_both_ways() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    let trailer = "trailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 42\r\n\r\n";
    caller.send(&format!("{POST}{trailer}")).await;
    let got: serde_json::Value = serde_json::from_str(&caller.answer().await.1).unwrap();
    assert_eq!(got["trailers"], serde_json::json!([["x-sum", "42"]]));

    let target = scripted(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        peer.send("2\r\nhi\r\n0\r\nx-sum: 42\r\n\r\n").await;
        peer.rest().await;
    })
    .await;
    proxy.set_pod(Some(target)).unwrap();
    caller
        .send("GET / HTTP/1.1\r\nhost: order-service\r\nte: trailers\r\n\r\n")
        .await;
    let head = caller.head().await;
    assert!(head.contains("trailer: x-sum\r\n"), "{head}");
    assert_eq!(caller.head().await, "2\r\nhi\r\n0\r\nx-sum: 42\r\n\r\n");
}

#[tokio::test]
async fn asks_for_the_body_when_the_target_does() {
    let go = Arc::new(Notify::new());
    let gone = go.clone();
    let target = scripted(move |mut peer| {
        let go = gone.clone();
        async move {
            assert!(peer.head().await.contains("expect: 100-continue\r\n"));
            go.notified().await;
            peer.send("HTTP/1.1 100 Continue\r\n\r\n").await;
            let body = peer.exact(5).await;
            peer.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{body}"))
                .await;
            peer.rest().await;
        }
    })
    .await;
    let proxy = configured(|config| {
        config.pod = Some(target);
        config.continue_limit = Duration::from_secs(60);
    })
    .await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send(&format!(
            "{POST}expect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        ))
        .await;
    let mut early = [0; 1];
    let silent = tokio::time::timeout(Duration::from_millis(50), caller.0.get_ref().peek(&mut early)).await;
    assert!(silent.is_err(), "the proxy must not speak before the target");
    go.notify_one();
    assert_eq!(caller.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    caller.send("hello").await;
    assert_eq!(caller.answer().await, (200, "hello".to_owned()));
}

#[tokio::test]
async fn asks_for_no_body_when_the_target_refuses_it() {
    let (silent, ended) = (Arc::new(Notify::new()), Notes::default());
    let (silence, notes) = (silent.clone(), ended.clone());
    let target = scripted(move |mut peer| {
        let (silent, notes) = (silence.clone(), notes.clone());
        async move {
            peer.head().await;
            peer.send("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno")
                .await;
            notes.add(peer.rest().await.0);
            silent.notify_one();
        }
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send(&format!(
            "{POST}expect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        ))
        .await;
    assert_eq!(caller.answer().await, (417, "no".to_owned()));
    within(silent.notified()).await;
    assert_eq!(ended.all(), [""], "no body may arrive");
}

#[tokio::test]
async fn asks_for_the_body_anyway_when_the_target_stays_silent() {
    let target = scripted(|mut peer| async move {
        peer.head().await;
        let body = peer.exact(5).await;
        peer.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{body}"))
            .await;
        peer.rest().await;
    })
    .await;
    let proxy = configured(|config| {
        config.pod = Some(target);
        config.continue_limit = Duration::from_millis(20);
    })
    .await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send(&format!(
            "{POST}expect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        ))
        .await;
    assert_eq!(caller.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    caller.send("hello").await;
    assert_eq!(caller.answer().await, (200, "hello".to_owned()));
}

#[tokio::test]
async fn passes_on_the_end_of_the_callers_side_and_still_brings_the_answer() {
    for body in ["", "hello"] {
        let target = scripted(move |mut peer| async move {
            peer.head().await;
            // Answers only once it has seen the end, behind the whole request.
            let (rest, orderly) = peer.rest().await;
            assert!(orderly);
            peer.send(&format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{rest}",
                rest.len()
            ))
            .await;
        })
        .await;
        let proxy = proxy(target).await;
        let mut caller = Peer::connect(proxy.address()).await;
        caller
            .send(&format!("{POST}content-length: {}\r\n\r\n{body}", body.len()))
            .await;
        caller.end_sending().await;
        assert_eq!(caller.answer().await, (200, body.to_owned()));
        assert_eq!(caller.rest().await, (String::new(), true));
    }
}

#[tokio::test]
async fn passes_on_the_end_of_the_callers_side_in_the_middle_of_a_response() {
    let target = scripted(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            .await;
        assert_eq!(peer.rest().await, (String::new(), true));
        peer.send("5\r\nlater\r\n0\r\n\r\n").await;
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
    caller.head().await;
    assert_eq!(caller.exact(10).await, "5\r\nfirst\r\n");
    caller.end_sending().await;
    assert_eq!(caller.rest().await, ("5\r\nlater\r\n0\r\n\r\n".to_owned(), true));
}

#[tokio::test]
async fn does_not_end_the_targets_side_while_the_caller_keeps_its_own_open() {
    let (answered, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (answer, end) = (answered.clone(), ended.clone());
    let target = scripted(move |mut peer| {
        let (answer, end) = (answer.clone(), end.clone());
        async move {
            peer.head().await;
            let mut one = [0; 1];
            tokio::select! {
                peeked = peer.0.get_ref().peek(&mut one) => panic!("{peeked:?}"),
                () = answer.notified() => {}
            }
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            peer.rest().await;
            end.notify_one();
        }
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
    answered.notify_one();
    assert_eq!(caller.answer().await.0, 200);
    drop(caller);
    proxy.shutdown().await.unwrap();
    within(ended.notified()).await;
}

#[tokio::test]
async fn lets_the_target_know_that_the_caller_is_gone() {
    let ended = Arc::new(Notify::new());
    let end = ended.clone();
    let target = scripted(move |mut peer| {
        let end = end.clone();
        async move {
            peer.head().await;
            peer.rest().await;
            end.notify_one();
        }
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
    drop(caller);
    within(ended.notified()).await;
}
