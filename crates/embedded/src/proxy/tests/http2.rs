//! HTTP/2 with prior knowledge, which is what gRPC speaks without TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use testbed::Selection;
use tokio::sync::{Notify, mpsc};

use super::stage::{
    Http2, configured, header, http2, mirror, nobody, proxy, scripted, serve, told, values, within,
};
use crate::proxy::ProxyHandle;

fn request(proxy: &ProxyHandle) -> http::request::Builder {
    Request::builder().uri(format!("{}/svc/Method?x=y", proxy.url()))
}

fn empty() -> Full<Bytes> {
    Full::default()
}

#[tokio::test]
async fn passes_http2_on_as_http2() {
    let proxy = proxy(mirror("pod").await).await;
    let asked = request(&proxy)
        .method("POST")
        .header("te", "trailers")
        .header("x-end", "1");
    let (status, got, _) = told(
        within(http2().request(asked.body(Full::new(Bytes::from("hi"))).unwrap()))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&got["version"], &got["body"]),
        (&"HTTP/2.0".into(), &"hi".into())
    );
    assert_eq!(
        got["uri"],
        format!("{}/svc/Method?x=y", proxy.url()),
        "the authority is the caller's"
    );
    assert_eq!(
        (values(&got, "te"), values(&got, "x-end")),
        (vec!["trailers"], vec!["1"])
    );
}

#[tokio::test]
async fn chooses_the_route_for_each_stream_of_a_connection() {
    let proxy = proxy(mirror("pod").await).await;
    proxy
        .intercept(&header("x-debug", "me"), mirror("workstation").await)
        .unwrap();
    let caller = http2();
    for (value, expected) in [("me", "workstation"), ("you", "pod"), ("me", "workstation")] {
        let asked = request(&proxy).header("X-Debug", value).body(empty()).unwrap();
        let (_, got, _) = told(within(caller.request(asked)).await.unwrap()).await;
        assert_eq!(got["name"], expected);
    }
    proxy.leave();
    let asked = request(&proxy).header("x-debug", "me").body(empty()).unwrap();
    assert_eq!(
        told(within(caller.request(asked)).await.unwrap()).await.1["name"],
        "pod"
    );
    assert_eq!(proxy.counters().connections, 1);
}

/// What a gRPC server sends: data and the status in trailers, or the status in trailers alone.
async fn grpc(status: &'static str, data: &'static str) -> std::net::SocketAddr {
    let app = Router::new().fallback(move || async move {
        let trailers = HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            HeaderValue::from_static(status),
        )]);
        let frames = [
            Ok::<_, std::io::Error>(Frame::data(Bytes::from(data))),
            Ok(Frame::trailers(trailers)),
        ];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Response::builder()
            .header("content-type", "application/grpc")
            .body(Body::new(body))
            .unwrap()
    });
    serve(app).await
}

#[tokio::test]
async fn brings_the_trailers_that_carry_a_grpc_status() {
    let proxy = proxy(grpc("0", "{}").await).await;
    proxy
        .intercept(&header("x-debug", "me"), grpc("14", "").await)
        .unwrap();
    for (debug, expected) in [("no", "0"), ("me", "14")] {
        let asked = request(&proxy)
            .method("POST")
            .header("te", "trailers")
            .header("x-debug", debug);
        let response = within(http2().request(asked.body(empty()).unwrap()))
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let (_, _, trailers) = told(response).await;
        assert_eq!(trailers.unwrap()["grpc-status"], expected);
    }
}

#[tokio::test]
async fn carries_a_conversation_on_one_stream() {
    let app = Router::new().fallback(|body: Body| async move { Response::new(body) });
    let proxy = proxy(serve(app).await).await;
    let (frames_tx, frames_rx) = mpsc::channel(1);
    let frames = futures_util::stream::unfold(frames_rx, |mut frames_rx| async move {
        let word: &'static str = frames_rx.recv().await?;
        Some((Ok::<_, std::io::Error>(Frame::data(Bytes::from(word))), frames_rx))
    });
    let caller: Http2<http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>> = http2();
    let asked = request(&proxy)
        .method("POST")
        .body(StreamBody::new(frames).boxed_unsync())
        .unwrap();
    let mut answer = within(caller.request(asked)).await.unwrap().into_body();
    for word in ["one", "two", "three"] {
        frames_tx.send(word).await.unwrap();
        let frame = within(answer.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), word);
    }
    drop(frames_tx);
    // The end may come as an empty frame.
    assert_eq!(within(answer.collect()).await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn names_the_target_that_can_not_be_reached() {
    let proxy = proxy(mirror("pod").await).await;
    proxy.intercept(&Selection::All, nobody().await).unwrap();
    let (status, problem, _) = told(
        within(http2().request(request(&proxy).body(empty()).unwrap()))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (status.as_u16(), &problem["reason"]),
        (502, &"refused".into()),
        "{problem}"
    );
}

#[tokio::test]
async fn names_the_target_that_speaks_only_http1() {
    let target = scripted(|mut peer| async move {
        peer.head().await;
        peer.send("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .await;
        peer.rest().await;
    })
    .await;
    let proxy = proxy(target).await;
    let (status, problem, _) = told(
        within(http2().request(request(&proxy).body(empty()).unwrap()))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(status.as_u16(), 502, "{problem}");
    assert_eq!(problem["site"], "cluster");
}

#[tokio::test]
async fn breaks_off_when_the_target_dies_in_the_middle_of_a_body() {
    let die = Arc::new(Notify::new());
    let dying = die.clone();
    let app = Router::new().fallback(move || async move {
        let half = futures_util::stream::iter([Ok(Frame::data(Bytes::from("half")))]);
        let end = futures_util::stream::once(async move {
            dying.notified().await;
            Err(std::io::Error::other("the target died"))
        });
        Response::new(Body::new(StreamBody::new(half.chain(end))))
    });
    let proxy = proxy(serve(app).await).await;
    let response = within(http2().request(request(&proxy).body(empty()).unwrap()))
        .await
        .unwrap();
    let mut body = response.into_body();
    assert_eq!(
        within(body.frame()).await.unwrap().unwrap().into_data().unwrap(),
        "half"
    );
    die.notify_one();
    assert!(within(body.collect()).await.is_err());
    assert_eq!(proxy.counters().broken_off, 1);
}

#[tokio::test]
async fn resets_a_request_whose_head_is_too_large() {
    let pod = mirror("pod").await;
    let proxy = configured(|config| {
        config.pod = Some(pod);
        config.max_head = 8 << 10;
    })
    .await;
    for (length, fits) in [(7 << 10, true), (9 << 10, false)] {
        let asked = request(&proxy)
            .header("x-filler", "x".repeat(length))
            .body(empty())
            .unwrap();
        let ok = within(http2().request(asked))
            .await
            .is_ok_and(|response| response.status() == StatusCode::OK);
        assert_eq!(ok, fits, "{length} bytes");
    }
}

#[tokio::test]
async fn cancels_at_the_target_what_the_caller_cancels() {
    let (arrived, cancelled) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrival, cancel) = (arrived.clone(), cancelled.clone());
    let app = Router::new().fallback(move || {
        struct OnDrop(Arc<Notify>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let (arrival, cancel) = (arrival.clone(), OnDrop(cancel.clone()));
        async move {
            arrival.notify_one();
            std::future::pending::<()>().await;
            drop(cancel);
        }
    });
    let proxy = proxy(serve(app).await).await;
    let caller = http2();
    let asking = tokio::spawn(caller.request(request(&proxy).body(empty()).unwrap()));
    within(arrived.notified()).await;
    asking.abort();
    within(cancelled.notified()).await;
}

/// A target that allows few streams gets more connections instead of a queue behind streams that never end.
#[tokio::test]
async fn opens_another_connection_when_the_target_allows_no_more_streams() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let busy = Arc::new(tokio::sync::Barrier::new(6));
    let listener = tokio::net::TcpListener::bind(super::stage::LOOPBACK)
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let busy = busy.clone();
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                let busy = busy.clone();
                async move {
                    // The first request only brings the settings; the others wait for each other.
                    if request.uri().path() != "/first" {
                        busy.wait().await;
                    }
                    Ok::<_, std::convert::Infallible>(Response::new(empty()))
                }
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            let mut server = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
            server.max_concurrent_streams(2);
            tokio::spawn(async move { server.serve_connection(io, service).await });
        }
    });
    let proxy = proxy(address).await;
    let caller = http2();
    let ask = |path: &str| {
        let asked = Request::builder()
            .version(Version::HTTP_2)
            .uri(format!("{}{path}", proxy.url()));
        caller.request(asked.body(empty()).unwrap())
    };
    assert_eq!(within(ask("/first")).await.unwrap().status(), StatusCode::OK);
    let waiting = within(futures_util::future::join_all((0..6).map(|_| ask("/"))));
    for answer in waiting.await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert!(connections.load(Ordering::SeqCst) >= 3);
}

#[tokio::test]
async fn answers_503_over_http2_while_no_pod_is_known() {
    let proxy = configured(|_| {}).await;
    let response = within(http2().request(request(&proxy).body(empty()).unwrap()))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}
