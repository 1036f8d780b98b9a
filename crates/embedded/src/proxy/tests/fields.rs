//! What arrives at a target besides the body, and what comes back.

use serde_json::json;

use super::stage::{Peer, get, mirror, proxy, scripted, values};

#[tokio::test]
async fn leaves_a_request_as_it_is_and_invents_nothing() {
    let proxy = proxy(mirror("pod").await).await;
    let fields = "x-request-id: r-81\r\ntraceparent: 00-1-2-01\r\ntracestate: a=b\r\nbaggage: c=d\r\n";
    let (_, got) = get(&proxy, fields).await;
    assert_eq!(
        got["fields"],
        json!([
            ["baggage", "c=d"],
            ["host", "order-service"],
            ["traceparent", "00-1-2-01"],
            ["tracestate", "a=b"],
            ["x-request-id", "r-81"],
        ])
    );
}

#[tokio::test]
async fn keeps_fields_of_the_connection_to_itself() {
    let proxy = proxy(mirror("pod").await).await;
    let (_, got) = get(
        &proxy,
        "connection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nte: trailers, gzip\r\nx-end: 2\r\n",
    )
    .await;
    assert_eq!(
        got["fields"],
        json!([
            ["connection", "te"],
            ["host", "order-service"],
            ["te", "trailers"],
            ["x-end", "2"]
        ])
    );
}

#[tokio::test]
async fn keeps_fields_of_the_targets_connection_from_the_caller() {
    let target = scripted(|mut peer| async move {
        peer.head().await;
        let fields = "connection: x-hop, close\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nx-end: 2\r\n";
        peer.send(&format!(
            "HTTP/1.1 200 Well Done\r\n{fields}content-length: 2\r\n\r\n{{}}"
        ))
        .await;
    })
    .await;
    let proxy = proxy(target).await;
    let mut caller = Peer::connect(proxy.address()).await;
    for _ in 0..2 {
        caller.send("GET / HTTP/1.1\r\nhost: order-service\r\n\r\n").await;
        let head = caller.head().await;
        assert!(
            head.starts_with("HTTP/1.1 200 Well Done\r\nx-end: 2\r\n"),
            "{head}"
        );
        assert!(!head.contains("x-hop") && !head.contains("keep-alive"), "{head}");
        assert_eq!(caller.exact(2).await, "{}");
    }
}

#[tokio::test]
async fn passes_on_the_method_and_the_whole_target() {
    let proxy = proxy(mirror("pod").await).await;
    for (line, method, uri) in [
        ("DELETE /a%20b/../c?d=e&f HTTP/1.1", "DELETE", "/a%20b/../c?d=e&f"),
        ("OPTIONS * HTTP/1.1", "OPTIONS", "*"),
        ("PURGE /x HTTP/1.1", "PURGE", "/x"),
    ] {
        let mut caller = Peer::connect(proxy.address()).await;
        caller
            .send(&format!("{line}\r\nhost: order-service\r\n\r\n"))
            .await;
        let got: serde_json::Value = serde_json::from_str(&caller.answer().await.1).unwrap();
        assert_eq!((&got["method"], &got["uri"]), (&method.into(), &uri.into()));
    }
}

#[tokio::test]
async fn answers_head_with_the_length_and_without_a_body() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send("HEAD / HTTP/1.1\r\nhost: order-service\r\n\r\n")
        .await;
    let head = caller.head().await;
    assert!(
        head.contains("content-length: ") && !head.contains("content-length: 0\r\n"),
        "{head}"
    );
    assert_eq!(
        caller.get("").await.0,
        200,
        "the next answer must not be taken for a body"
    );
}

#[tokio::test]
async fn speaks_http_1_1_to_the_target_of_a_caller_that_speaks_1_0() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send("POST / HTTP/1.0\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\nhi")
        .await;
    let (reply, orderly) = caller.rest().await;
    assert!(orderly);
    let got: serde_json::Value = serde_json::from_str(reply.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&got["version"], &got["body"]),
        (&"HTTP/1.1".into(), &"hi".into())
    );
    assert!(values(&got, "expect").is_empty());
}

#[tokio::test]
async fn takes_a_body_with_two_lengths_by_its_chunks() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        .await;
    let got: serde_json::Value = serde_json::from_str(&caller.answer().await.1).unwrap();
    assert_eq!(got["body"], "hello");
    assert!(values(&got, "content-length").is_empty(), "{got}");
}

#[tokio::test]
async fn keeps_a_body_in_chunks_whatever_the_method() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send("GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        .await;
    let got: serde_json::Value = serde_json::from_str(&caller.answer().await.1).unwrap();
    assert_eq!(got["body"], "hello");
}
