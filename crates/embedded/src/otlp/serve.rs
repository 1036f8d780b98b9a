//! Connections: accepted, told apart by protocol, ended politely, joined.

use std::any::Any;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, plain};
use super::ingest::Ingest;
use super::{grpc, http as otlp_http};

/// Connections served at a time; more wait in the system's queue.
const CONNECTIONS: usize = 1024;
/// What a sender may have under way before it hears that more is wanted. With the default of 64 KiB a request of
/// some hundred spans costs several turns, each with a system call on either side.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// The largest frame that is asked for; a smaller one means more pieces for each request.
const FRAME: u32 = 64 << 10;

/// Serves until told to stop, then gives requests under way some time. Joins every task, and goes on with the first
/// panic of one.
pub(super) async fn serve(
    listener: TcpListener,
    ingest: Arc<Ingest>,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut panic = None;
    let broken = loop {
        let stream = tokio::select! {
            biased;
            () = stop.cancelled() => break None,
            Some(ended) = connections.join_next() => {
                note_panic(ended, &mut panic);
                continue;
            }
            accepted = listener.accept(), if connections.len() < CONNECTIONS => accepted,
        };
        match stream {
            Ok((stream, _)) => drop(connections.spawn(connection(stream, ingest.clone(), stop.clone()))),
            Err(error) if is_of_one_connection(&error) => {}
            // Out of descriptors, most likely: the end of one of our connections frees one.
            Err(error) => tokio::select! {
                () = stop.cancelled() => break None,
                ended = connections.join_next() => match ended {
                    Some(ended) => note_panic(ended, &mut panic),
                    None => break Some(error),
                },
            },
        }
    };
    drop(listener);
    stop.cancel();
    let drain = async {
        while let Some(ended) = connections.join_next().await {
            note_panic(ended, &mut panic);
        }
    };
    if tokio::time::timeout(grace, drain).await.is_err() {
        connections.abort_all();
        while let Some(ended) = connections.join_next().await {
            note_panic(ended, &mut panic);
        }
    }
    if let Some(panic) = panic {
        std::panic::resume_unwind(panic);
    }
    broken.map_or(Ok(()), Err)
}

fn note_panic(ended: Result<(), JoinError>, first: &mut Option<Box<dyn Any + Send>>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        first.get_or_insert(error.into_panic());
    }
}

/// Whether accepting failed for the connection at hand only.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

async fn connection(stream: TcpStream, ingest: Arc<Ingest>, stop: CancellationToken) {
    // Answers are small and waited for. A connection on which this can't be set is gone already.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME);
    let service = service_fn(move |request| {
        let ingest = ingest.clone();
        async move { Ok::<_, Infallible>(answer(&ingest, request).await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // How a connection ends is the sender's affair: every request on it had its answer or will be sent again.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}

async fn answer(ingest: &Arc<Ingest>, request: Request<Incoming>) -> Response<Answer> {
    match request.uri().path() {
        grpc::PATH => grpc::export(ingest, request).await,
        otlp_http::PATH => otlp_http::export(ingest, request).await,
        path if grpc::is_grpc(request.headers()) => grpc::unknown(path),
        _ => plain(StatusCode::NOT_FOUND, "404 page not found".to_owned()),
    }
}
