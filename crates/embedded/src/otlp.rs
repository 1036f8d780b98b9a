//! The OTLP receiver: gRPC and HTTP on one port, acknowledged only when readers can see the spans.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;

use crate::store::SpanStore;

/// Why the receiver could not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The address cannot be listened on.
    #[error("cannot listen for OTLP on {addr}")]
    Bind {
        /// The address that was asked for.
        addr: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Accepting connections failed for good.
    #[error("OTLP receiver on {addr} broke")]
    Serve {
        /// Where it listened.
        addr: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// A bound address that does not answer yet; connections wait in the system's queue.
#[derive(Debug)]
pub struct OtlpReceiver {
    listener: TcpListener,
    addr: SocketAddr,
}

impl OtlpReceiver {
    /// Binds an address; port 0 picks a free one.
    ///
    /// # Errors
    /// When the system refuses the address.
    pub async fn bind(addr: SocketAddr) -> Result<Self, ReceiverError> {
        let bind = |source| ReceiverError::Bind { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        Ok(Self { listener, addr })
    }

    /// Starts to answer.
    #[must_use]
    pub fn serve(self, store: SpanStore) -> Receiver {
        let stop = CancellationToken::new();
        let refuse = Arc::new(AtomicBool::new(false));
        let service = Service {
            store,
            refuse: refuse.clone(),
        };
        let grpc = TraceServiceServer::new(service.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(64 << 20);
        let app = tonic::service::Routes::new(grpc)
            .into_axum_router()
            .merge(Router::new().route("/v1/traces", post(http)).with_state(service));
        let stopped = stop.clone();
        let Self { listener, addr } = self;
        let task = tokio::spawn(async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(stopped.cancelled_owned())
                .await
        });
        Receiver {
            addr,
            refuse,
            stop,
            task,
        }
    }
}

/// A receiver that answers.
#[derive(Debug)]
pub struct Receiver {
    addr: SocketAddr,
    refuse: Arc<AtomicBool>,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Receiver {
    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL for OTLP/gRPC and OTLP/HTTP alike, without a trailing slash.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Answers every export with UNAVAILABLE or 503 from now on, or no longer.
    pub fn refuse(&self, refuse: bool) {
        self.refuse.store(refuse, Ordering::Relaxed);
    }

    /// Stops accepting, lets exports that are under way finish, and joins every task.
    ///
    /// # Errors
    /// When accepting connections had failed.
    ///
    /// # Panics
    /// When a task panicked: its panic goes on here.
    pub async fn shutdown(self) -> Result<(), ReceiverError> {
        let Self { addr, stop, task, .. } = self;
        stop.cancel();
        match task.await {
            Ok(result) => result.map_err(|source| ReceiverError::Serve { addr, source }),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Ok(()),
        }
    }
}

#[derive(Debug, Clone)]
struct Service {
    store: SpanStore,
    refuse: Arc<AtomicBool>,
}

impl Service {
    fn export(&self, request: ExportTraceServiceRequest) -> Option<ExportTraceServiceResponse> {
        if self.refuse.load(Ordering::Relaxed) {
            return None;
        }
        let rejected = self.store.insert(request.resource_spans).ok()?.rejected.total();
        let partial_success = (rejected > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
            error_message: "spans with an invalid trace id or span id".to_owned(),
        });
        Some(ExportTraceServiceResponse { partial_success })
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let answer = self.export(request.into_inner());
        answer
            .map(tonic::Response::new)
            .ok_or_else(|| tonic::Status::unavailable("told to refuse"))
    }
}

async fn http(
    axum::extract::State(service): axum::extract::State<Service>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let request = if json {
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    } else {
        ExportTraceServiceRequest::decode(body).map_err(|error| error.to_string())
    };
    match request.map(|request| service.export(request)) {
        Err(error) => (StatusCode::BAD_REQUEST, error).into_response(),
        Ok(None) => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(),
        Ok(Some(_)) if json => ([(header::CONTENT_TYPE, "application/json")], "{}").into_response(),
        Ok(Some(answer)) => (
            [(header::CONTENT_TYPE, "application/x-protobuf")],
            answer.encode_to_vec(),
        )
            .into_response(),
    }
}
