//! The API as its clients see it.

mod adjusted;
mod arbitrary;
mod client;
mod lifetime;
mod limits;
mod pages;
mod quirks;
mod recorded;
mod search;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use serde_json::Value;
use tower::ServiceExt;

use super::{QueryOptions, router_with};
use crate::store::{Limits, SpanStore};

/// Four traces: an order, a failure under a 64-bit id, one with links, and one without its root.
const ORDERS: &str = include_str!("../../../jaeger-api/tests/recorded/orders.otlp.json");
const ORDER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SHORT: &str = "a3ce929d0e0e4737";
const LINKS: &str = "4bf92f3577b34da6a3ce929d0e0e4738";
const HALF: &str = "4bf92f3577b34da6a3ce929d0e0e4739";
/// A window in which all of them lie.
const WINDOW: &str = "start=1764000000000000&end=1764000002000000";
const V3_WINDOW: &str = "query.startTimeMin=2025-11-24T16:00:00Z&query.startTimeMax=2025-11-24T16:00:02Z";

/// The API over a store of its own.
struct Bed {
    store: SpanStore,
    router: Router,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    content_type: String,
    body: String,
}

impl Bed {
    fn empty() -> Self {
        Self::with(QueryOptions::default(), Limits::default())
    }

    fn with(options: QueryOptions, limits: Limits) -> Self {
        let store = SpanStore::new(limits);
        let router = router_with(store.clone(), options);
        Self { store, router }
    }

    /// With the four traces.
    fn with_orders() -> Self {
        let bed = Self::empty();
        bed.insert(ORDERS);
        bed
    }

    /// Stores OTLP JSON.
    fn insert(&self, json: &str) {
        let data: TracesData = serde_json::from_str(json).unwrap();
        self.store.insert(data.resource_spans).unwrap();
    }

    /// Stores spans of one resource without a host, each given as JSON.
    fn insert_spans(&self, service: &str, spans: &Value) {
        let service = serde_json::json!({"key": "service.name", "value": {"stringValue": service}});
        self.insert_group(&serde_json::json!([service]), spans);
    }

    /// Stores spans of one resource, given as JSON.
    fn insert_group(&self, resource: &Value, spans: &Value) {
        let group =
            serde_json::json!({"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]});
        self.insert(&serde_json::json!({"resourceSpans": [group]}).to_string());
    }

    async fn ask(&self, method: Method, uri: &str, body: impl Into<Body>) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .body(body.into())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("traceresponse").as_deref(), Some(""));
        let content_type = header("content-type").unwrap();
        let is_text = content_type.starts_with("text/plain");
        assert_eq!(header("x-content-type-options").is_some(), is_text);
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        Reply {
            status,
            content_type,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, uri: &str) -> Reply {
        self.ask(Method::GET, uri, Body::empty()).await
    }

    /// The JSON of a success.
    async fn json(&self, uri: &str) -> Value {
        let reply = self.get(uri).await;
        assert_eq!(
            (reply.status, reply.content_type.as_str()),
            (StatusCode::OK, "application/json"),
            "{reply:?}"
        );
        serde_json::from_str(&reply.body).unwrap()
    }
}

impl Reply {
    /// The message of a legacy error, which must be one.
    fn legacy_error(&self) -> (u16, String) {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(self.content_type, "text/plain; charset=utf-8");
        assert!(self.body.ends_with("]}\n") && body["data"].is_null(), "{self:?}");
        assert_eq!(body["errors"][0]["code"], self.status.as_u16());
        (
            self.status.as_u16(),
            body["errors"][0]["msg"].as_str().unwrap().to_owned(),
        )
    }

    /// The message of a v3 error, which must be one.
    fn v3_error(&self) -> (u16, String) {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(self.content_type, "text/plain; charset=utf-8");
        assert_eq!(body["error"]["httpCode"], self.status.as_u16());
        (
            self.status.as_u16(),
            body["error"]["message"].as_str().unwrap().to_owned(),
        )
    }
}

/// The ids of the traces of a legacy answer.
fn ids(answer: &Value) -> Vec<&str> {
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["traceID"].as_str().unwrap())
        .collect()
}
