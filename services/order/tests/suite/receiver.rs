//! A small OTLP receiver on loopback that speaks all three protocols and misbehaves when told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    /// Takes everything.
    Accept,
    /// Takes all but so many spans of each request.
    Reject(i64),
    /// Refuses everything, in a way that is not worth a retry.
    Refuse,
    /// Never answers.
    Hang,
}

/// A receiver that is not there yet: its port is taken, so that nobody else gets it, and refuses connections.
pub(crate) struct Absent(TcpSocket);

impl Absent {
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    pub(crate) fn arrive(self) -> Receiver {
        Receiver::on(self.0.listen(1024).unwrap())
    }
}

/// A running receiver; ends with its handle.
pub(crate) struct Receiver {
    address: SocketAddr,
    received: watch::Receiver<Vec<ResourceSpans>>,
    manners: Arc<Mutex<Manners>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Door {
    received: Arc<watch::Sender<Vec<ResourceSpans>>>,
    manners: Arc<Mutex<Manners>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        Absent::reserve().arrive()
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (received_tx, received) = watch::channel(Vec::new());
        let manners = Arc::new(Mutex::new(Manners::Accept));
        let door = Door {
            received: Arc::new(received_tx),
            manners: Arc::clone(&manners),
        };
        let grpc = tonic::service::Routes::new(TraceServiceServer::new(door.clone())).into_axum_router();
        let app = Router::new()
            .route("/v1/traces", post(over_http))
            .with_state(door)
            .merge(grpc);
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self {
            address,
            received,
            manners,
            task,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
    }

    /// Waits for at least so many spans.
    pub(crate) async fn spans(&mut self, at_least: usize) -> Vec<Span> {
        let enough = self.received.wait_for(|batches| flat(batches).len() >= at_least);
        let enough = tokio::time::timeout(Duration::from_secs(30), enough)
            .await
            .is_ok();
        let spans = flat(&self.received.borrow());
        assert!(enough, "{} spans after 30 s, {at_least} wanted", spans.len());
        spans
    }

    /// The attributes of the resource that spans came with, as text, sorted.
    pub(crate) fn resource(&self) -> Vec<(String, String)> {
        let batches = self.received.borrow();
        let resource = batches
            .first()
            .and_then(|batch| batch.resource.as_ref())
            .expect("no spans, no resource");
        let mut attributes: Vec<(String, String)> = resource
            .attributes
            .iter()
            .map(|attribute| {
                (
                    attribute.key.clone(),
                    shown(attribute.value.as_ref().and_then(|value| value.value.as_ref())),
                )
            })
            .collect();
        attributes.sort();
        attributes
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An attribute of a span as text.
pub(crate) fn attribute(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key)?;
    Some(shown(
        attribute.value.as_ref().and_then(|value| value.value.as_ref()),
    ))
}

fn shown(value: Option<&any_value::Value>) -> String {
    match value {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

fn flat(batches: &[ResourceSpans]) -> Vec<Span> {
    batches
        .iter()
        .flat_map(|batch| &batch.scope_spans)
        .flat_map(|scope| scope.spans.clone())
        .collect()
}

impl Door {
    async fn take(&self, request: ExportTraceServiceRequest) -> Option<ExportTraceServiceResponse> {
        let manners = *self.manners.lock().unwrap();
        match manners {
            Manners::Refuse => return None,
            Manners::Hang => std::future::pending().await,
            Manners::Accept | Manners::Reject(_) => {}
        }
        self.received
            .send_modify(|batches| batches.extend(request.resource_spans));
        let partial_success = match manners {
            Manners::Reject(rejected_spans) => Some(ExportTracePartialSuccess {
                rejected_spans,
                error_message: "too plain".to_owned(),
            }),
            _ => None,
        };
        Some(ExportTraceServiceResponse { partial_success })
    }
}

#[tonic::async_trait]
impl TraceService for Door {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let answer = self.take(request.into_inner()).await;
        answer
            .map(tonic::Response::new)
            .ok_or_else(|| tonic::Status::permission_denied("not you"))
    }
}

async fn over_http(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers["content-type"].clone();
    let json = kind == "application/json";
    let request = if json {
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    } else {
        ExportTraceServiceRequest::decode(body).map_err(|error| error.to_string())
    };
    let request = match request {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error).into_response(),
    };
    match door.take(request).await {
        None => StatusCode::FORBIDDEN.into_response(),
        Some(answer) if json => {
            ([("content-type", kind)], serde_json::to_vec(&answer).unwrap()).into_response()
        }
        Some(answer) => ([("content-type", kind)], answer.encode_to_vec()).into_response(),
    }
}
