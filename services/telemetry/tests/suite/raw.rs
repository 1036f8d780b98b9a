//! A server below HTTP, for answers that no HTTP server gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use telemetry::BaseUrl;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A listener that does with each connection what it is told, and counts them.
pub(crate) async fn raw<F, P>(behave: F) -> (BaseUrl, Arc<AtomicUsize>)
where
    F: Fn(tokio::net::TcpStream) -> P + Send + 'static,
    P: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(behave(stream));
        }
    });
    (base, accepted)
}

pub(crate) async fn answer_with(mut stream: tokio::net::TcpStream, answer: &'static str) {
    let mut request = [0; 2048];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(answer.as_bytes()).await;
}
