//! Faults on purpose: they must do what they say, on the intercept path only.

use axum::Router;
use testbed::{Disturbance, Selection};

use super::stage::{Notes, Peer, configured, get, header, mirror, proxy, scripted, serve, values};
use crate::proxy::ProxyHandle;

const CONTEXT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n\
                       baggage: c=d\r\nx-request-id: r-81\r\nx-traceparent: near\r\n";

async fn fields(proxy: &ProxyHandle, debug: &str) -> Vec<String> {
    let (_, got) = get(proxy, &format!("{CONTEXT}{debug}")).await;
    let pairs = got["fields"].as_array().unwrap();
    pairs
        .iter()
        .map(|pair| pair[0].as_str().unwrap().to_owned())
        .collect()
}

const ALL: [&str; 6] = [
    "baggage",
    "host",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-traceparent",
];

#[tokio::test]
async fn strips_the_trace_context_and_nothing_else_from_intercepted_requests() {
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    assert_eq!(fields(&proxy, "").await, ALL);
    proxy.disturb(Some(Disturbance::StripTraceContext));
    assert_eq!(
        fields(&proxy, "").await,
        ["baggage", "host", "x-request-id", "x-traceparent"]
    );
    proxy.disturb(None);
    assert_eq!(fields(&proxy, "").await, ALL);
    assert_eq!(proxy.counters().stripped, 1);
}

#[tokio::test]
async fn leaves_requests_to_the_pod_alone_whatever_is_disturbed() {
    let notes = Notes::default();
    let seen = notes.clone();
    let pod = serve(Router::new().fallback(move |fields: http::HeaderMap| async move {
        seen.add(format!("{}", fields.contains_key("traceparent")));
        "{}"
    }));
    let proxy = proxy(pod.await).await;
    proxy
        .intercept(&header("x-debug", "me"), mirror("workstation").await)
        .unwrap();
    for disturbance in [Disturbance::StripTraceContext, Disturbance::Replay] {
        proxy.disturb(Some(disturbance));
        get(&proxy, CONTEXT).await;
    }
    proxy.leave();
    get(&proxy, CONTEXT).await;
    assert_eq!(notes.all(), ["true", "true", "true"]);
    let counters = proxy.counters();
    assert_eq!((counters.stripped, counters.replayed), (0, 0));
}

/// A target that writes down what it gets and numbers its answers.
async fn counting(notes: Notes) -> std::net::SocketAddr {
    let app = Router::new().fallback(move |fields: http::HeaderMap, body: String| async move {
        notes.add(format!("{} {body}", fields["x-request-id"].to_str().unwrap()));
        format!("{{\"answer\":{}}}", notes.all().len())
    });
    serve(app).await
}

const ORDER: &str = "POST /api/orders HTTP/1.1\r\nhost: order-service\r\nx-request-id: r-81\r\n";

#[tokio::test]
async fn delivers_each_intercepted_request_twice_and_returns_the_second_answer() {
    let notes = Notes::default();
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&Selection::All, counting(notes.clone()).await)
        .unwrap();
    proxy.disturb(Some(Disturbance::Replay));
    let mut caller = Peer::connect(proxy.address()).await;
    caller
        .send(&format!("{ORDER}content-length: 5\r\n\r\nhello"))
        .await;
    assert_eq!(caller.answer().await, (200, "{\"answer\":2}".to_owned()));
    caller
        .send(&format!(
            "{ORDER}transfer-encoding: chunked\r\n\r\n3\r\nyou\r\n0\r\n\r\n"
        ))
        .await;
    assert_eq!(caller.answer().await, (200, "{\"answer\":4}".to_owned()));
    assert_eq!(notes.all(), ["r-81 hello", "r-81 hello", "r-81 you", "r-81 you"]);
    proxy.disturb(None);
    caller
        .send(&format!("{ORDER}content-length: 4\r\n\r\nonce"))
        .await;
    assert_eq!(caller.answer().await, (200, "{\"answer\":5}".to_owned()));
}

#[tokio::test]
async fn replays_no_more_than_it_may_keep() {
    let notes = Notes::default();
    let workstation = counting(notes.clone()).await;
    let proxy = configured(|config| config.max_replay = 8).await;
    proxy.intercept(&Selection::All, workstation).unwrap();
    proxy.disturb(Some(Disturbance::Replay));
    for (body, status) in [("12345678", 200), ("123456789", 413)] {
        let mut caller = Peer::connect(proxy.address()).await;
        caller
            .send(&format!("{ORDER}content-length: {}\r\n\r\n{body}", body.len()))
            .await;
        let (found, answer) = caller.answer().await;
        assert_eq!(found, status, "{answer}");
    }
    assert_eq!(notes.all(), ["r-81 12345678", "r-81 12345678"]);
}

#[tokio::test]
async fn replays_trailers_with_the_body() {
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    proxy.disturb(Some(Disturbance::Replay));
    let mut caller = Peer::connect(proxy.address()).await;
    let body = "trailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 42\r\n\r\n";
    caller.send(&format!("{ORDER}{body}")).await;
    let got: serde_json::Value = serde_json::from_str(&caller.answer().await.1).unwrap();
    assert_eq!(
        (&got["body"], &got["trailers"]),
        (&"hi".into(), &serde_json::json!([["x-sum", "42"]]))
    );
    assert_eq!(values(&got, "x-request-id"), ["r-81"]);
}

#[tokio::test]
async fn returns_the_second_answer_even_when_the_first_delivery_broke() {
    let notes = Notes::default();
    let seen = notes.clone();
    let target = scripted(move |mut peer| {
        let notes = seen.clone();
        async move {
            peer.head().await;
            notes.add("delivered");
            if notes.all().len() > 1 {
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
            }
        }
    })
    .await;
    let proxy = configured(|_| {}).await;
    proxy.intercept(&Selection::All, target).unwrap();
    proxy.disturb(Some(Disturbance::Replay));
    assert_eq!(get(&proxy, "").await.0, 200);
    assert_eq!(notes.all().len(), 2);
}
