//! What real exporters send arrives whole: the SDK's, over its three protocols, and the SDK's with gzip.

use std::time::Duration;

use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rstest::rstest;
use tonic::codec::CompressionEncoding;

use super::{Bed, request_of, span};
use crate::store::{Operation, Query};

#[rstest]
#[case(Protocol::Grpc)]
#[case(Protocol::HttpBinary)]
#[case(Protocol::HttpJson)]
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_of_the_sdk_arrives_with_everything_it_had(#[case] protocol: Protocol) {
    let bed = Bed::up().await;
    let endpoint = bed.receiver.endpoint();
    let exporter = match protocol {
        Protocol::Grpc => SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build()
            .unwrap(),
        _ => {
            let endpoint = format!("{endpoint}/v1/traces");
            // The blocking client may not be made, used or dropped inside a runtime.
            let build = move || {
                SpanExporter::builder()
                    .with_http()
                    .with_protocol(protocol)
                    .with_endpoint(endpoint)
                    .build()
                    .unwrap()
            };
            tokio::task::spawn_blocking(build).await.unwrap()
        }
    };
    let resource = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "order-service"))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    let trace_id = {
        let tracer = provider.tracer("checks");
        let root = tracer
            .span_builder("POST /api/orders")
            .with_kind(SpanKind::Server)
            .start(&tracer);
        let trace_id = root.span_context().trace_id().to_bytes();
        let context = Context::current_with_span(root);
        let mut child = tracer.start_with_context("create-order", &context);
        child.set_attribute(KeyValue::new("order.quantity", 3));
        child.set_attribute(KeyValue::new("order.total", 12.5));
        child.set_attribute(KeyValue::new("order.priority", true));
        child.add_event("reserved", vec![KeyValue::new("sku", "widget")]);
        child.set_status(Status::error("sold out"));
        child.end();
        context.span().end();
        trace_id
    };
    let flush = provider.clone();
    tokio::task::spawn_blocking(move || flush.shutdown_with_timeout(Duration::from_secs(20)))
        .await
        .unwrap()
        .unwrap();

    let trace = bed.store.trace(trace_id).expect("acknowledged spans are visible");
    let spans: Vec<_> = trace
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let child = spans.iter().find(|span| span.name == "create-order").unwrap();
    let root = spans.iter().find(|span| span.name == "POST /api/orders").unwrap();
    assert_eq!(child.parent_span_id, root.span_id);
    assert_eq!(child.events[0].name, "reserved");
    assert_eq!(
        child
            .status
            .as_ref()
            .map(|status| (status.code, status.message.as_str())),
        Some((2, "sold out"))
    );
    let attributes = [
        "order.quantity",
        "order.total",
        "order.priority",
        "error",
        "scope.name",
        "resource.service.name",
    ];
    let values = ["3", "12.5", "true", "true", "checks", "order-service"];
    let attributes = attributes
        .iter()
        .zip(values)
        .map(|(key, value)| (key.to_string(), value.to_owned()));
    let query = Query {
        attributes: attributes.collect(),
        limit: 10,
        ..Query::default()
    };
    assert_eq!(bed.store.search(&query), [trace_id]);
    let operations = bed.store.operations("order-service");
    let server = Operation {
        name: "POST /api/orders".to_owned(),
        kind: trace::SpanKind::Server,
    };
    assert_eq!(
        operations,
        [
            server,
            Operation {
                name: "create-order".to_owned(),
                kind: trace::SpanKind::Internal
            }
        ]
    );
    bed.down().await;
}

#[tokio::test]
async fn a_compressed_grpc_call_is_stored_and_a_large_one_too() {
    let bed = Bed::up().await;
    let client = TraceServiceClient::connect(bed.receiver.endpoint())
        .await
        .unwrap();
    let mut client = client
        .send_compressed(CompressionEncoding::Gzip)
        .max_encoding_message_size(usize::MAX);
    let answer = client.export(request_of(vec![span(1, 1)])).await.unwrap();
    assert_eq!(answer.into_inner().partial_success, None);
    // Beyond the 4 MiB that gRPC implementations take unless told otherwise, and handled by another thread.
    let large = (0..20_000).map(|number| {
        let mut span = span(2, 1);
        span.name =
            format!("a name so long that twenty thousand of them are more than four mebibytes {number:0200}");
        span
    });
    client.export(request_of(large.collect())).await.unwrap();
    assert_eq!(bed.store.stats().accepted_spans, 20_001);
    drop(client);
    bed.down().await;
}
