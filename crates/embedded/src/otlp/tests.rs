//! The receiver over loopback: real exporters, and every bad end.

mod bad_ends;
mod exporters;
mod grpc;
mod http;
mod json;
mod lifetime;

use std::net::{Ipv4Addr, SocketAddr};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::{OtlpReceiver, Receiver, ReceiverOptions};
use crate::store::SpanStore;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A receiver with a store of its own.
struct Bed {
    receiver: Receiver,
    store: SpanStore,
    client: reqwest::Client,
}

impl Bed {
    async fn up() -> Self {
        Self::with(ReceiverOptions::default()).await
    }

    async fn with(options: ReceiverOptions) -> Self {
        let store = SpanStore::default();
        let receiver = OtlpReceiver::bind(LOOPBACK)
            .await
            .unwrap()
            .with_options(options)
            .serve(store.clone());
        Self {
            receiver,
            store,
            client: reqwest::Client::new(),
        }
    }

    async fn post(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        let mut request = self
            .client
            .post(format!("{}/v1/traces", self.receiver.endpoint()))
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    async fn protobuf(&self, body: impl Into<reqwest::Body>) -> Answer {
        self.post(&[PROTOBUF], body).await
    }

    async fn json(&self, body: &str) -> Answer {
        self.post(&[JSON], body.to_owned()).await
    }

    /// Ends the receiver, which must go smoothly whatever was sent.
    async fn down(self) {
        self.receiver.shutdown().await.unwrap();
    }
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// An HTTP answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn span(trace: u8, span: u8) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![span; 8],
        name: "work".to_owned(),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        ..Span::default()
    }
}

fn request_of(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let name = AnyValue {
        value: Some(Value::StringValue("tester".to_owned())),
    };
    let attributes = vec![KeyValue {
        key: "service.name".to_owned(),
        value: Some(name),
        ..KeyValue::default()
    }];
    let resource = Some(Resource {
        attributes,
        ..Resource::default()
    });
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource,
            scope_spans,
            ..ResourceSpans::default()
        }],
    }
}

fn encoded(spans: Vec<Span>) -> Vec<u8> {
    request_of(spans).encode_to_vec()
}
