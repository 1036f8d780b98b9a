//! The two sides of the proxy: callers and targets, over real sockets, every wait bounded.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use testbed::Selection;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::proxy::{InterceptProxy, ProxyConfig, ProxyHandle};

/// A loopback address with a free port.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Waits for something that must happen; generous, because the machine may be busy.
pub(super) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("within 30 s")
}

/// A proxy for `order-service` with this pod.
pub(super) async fn proxy(pod: SocketAddr) -> ProxyHandle {
    configured(|config| config.pod = Some(pod)).await
}

/// A proxy for `order-service`, configured otherwise than by default.
pub(super) async fn configured(change: impl FnOnce(&mut ProxyConfig)) -> ProxyHandle {
    let mut config = ProxyConfig::new("order-service");
    change(&mut config);
    InterceptProxy::bind(LOOPBACK, config).await.unwrap().serve()
}

pub(super) fn header(name: &str, value: &str) -> Selection {
    Selection::Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// An address at which nobody listens.
pub(super) async fn nobody() -> SocketAddr {
    TcpListener::bind(LOOPBACK).await.unwrap().local_addr().unwrap()
}

/// Serves an application over HTTP/1.1 and h2c.
pub(super) async fn serve(app: Router) -> SocketAddr {
    let listener = crate::proxy::serve::listen(LOOPBACK).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A target that tells what it got, under its own name.
pub(super) async fn mirror(name: &'static str) -> SocketAddr {
    serve(Router::new().fallback(move |request| reflect(name, request))).await
}

async fn reflect(name: &'static str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().map(listed);
    let got = json!({
        "name": name,
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "version": format!("{:?}", parts.version),
        "fields": listed(&parts.headers),
        "body": String::from_utf8_lossy(&body.to_bytes()),
        "trailers": trailers,
    });
    Response::new(Body::from(got.to_string()))
}

fn listed(fields: &HeaderMap) -> Value {
    let mut pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    pairs.sort_unstable();
    json!(pairs)
}

/// The values of a field in what a [`mirror`] told.
pub(super) fn values<'a>(got: &'a Value, name: &str) -> Vec<&'a str> {
    let fields = got["fields"].as_array().unwrap();
    let named = fields.iter().filter(|pair| pair[0] == name);
    named.map(|pair| pair[1].as_str().unwrap()).collect()
}

/// A target that does with each connection what it is told to, below HTTP. An assertion that fails in a script ends its
/// connection, so the test must wait for something that the script does afterwards.
pub(super) async fn scripted<F>(script: impl Fn(Peer) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(script(Peer(BufReader::new(stream))));
        }
    });
    address
}

/// One end of a connection, below HTTP.
pub(super) struct Peer(pub(super) BufReader<TcpStream>);

impl Peer {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(within(TcpStream::connect(address)).await.unwrap()))
    }

    pub(super) async fn send(&mut self, text: &str) {
        within(self.0.write_all(text.as_bytes())).await.unwrap();
    }

    /// The next lines up to the empty one: the head of a message. Empty when the connection has ended.
    pub(super) async fn head(&mut self) -> String {
        let mut head = String::new();
        while within(self.0.read_line(&mut head)).await.unwrap() > 2 {}
        head
    }

    /// The next bytes as text.
    pub(super) async fn exact(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        within(self.0.read_exact(&mut bytes)).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Everything until the end of the connection, and whether that was an orderly one.
    pub(super) async fn rest(&mut self) -> (String, bool) {
        let mut bytes = Vec::new();
        let orderly = within(self.0.read_to_end(&mut bytes)).await.is_ok();
        (String::from_utf8_lossy(&bytes).into_owned(), orderly)
    }

    /// Closes the sending side.
    pub(super) async fn end_sending(&mut self) {
        within(self.0.shutdown()).await.unwrap();
    }

    /// Sends a GET and reads an answer that has a length.
    pub(super) async fn get(&mut self, fields: &str) -> (u16, String) {
        self.send(&format!("GET / HTTP/1.1\r\nhost: order-service\r\n{fields}\r\n"))
            .await;
        self.answer().await
    }

    /// Reads an answer that has a length.
    pub(super) async fn answer(&mut self) -> (u16, String) {
        let head = self.head().await.to_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .unwrap_or_else(|| panic!("no status in {head:?}"))
            .parse()
            .unwrap();
        let length = head
            .split("content-length: ")
            .nth(1)
            .unwrap_or_else(|| panic!("no length in {head:?}"));
        let length = length.lines().next().unwrap().parse().unwrap();
        (status, self.exact(length).await)
    }
}

/// A GET over a new connection, answered by a [`mirror`] or the proxy.
pub(super) async fn get(proxy: &ProxyHandle, fields: &str) -> (u16, Value) {
    let (status, body) = Peer::connect(proxy.address()).await.get(fields).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// Who answered a GET over a new connection.
pub(super) async fn served_by(proxy: &ProxyHandle, fields: &str) -> String {
    let (_, got) = get(proxy, fields).await;
    got["name"]
        .as_str()
        .unwrap_or_else(|| panic!("no name in {got}"))
        .to_owned()
}

/// A caller that speaks HTTP/2 from the first byte.
pub(super) type Http2<B = Full<Bytes>> = Client<HttpConnector, B>;

pub(super) fn http2<B>() -> Http2<B>
where
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

/// What a whole response said.
pub(super) async fn told(
    response: http::Response<hyper::body::Incoming>,
) -> (StatusCode, Value, Option<HeaderMap>) {
    let status = response.status();
    let body = within(response.into_body().collect()).await.unwrap();
    let trailers = body.trailers().cloned();
    (
        status,
        serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null),
        trailers,
    )
}

/// What targets write down for the test to read.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(super) fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
