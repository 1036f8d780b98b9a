//! Jaeger's query API over the span store: for now the part of `/api/v3` that a proof needs.

use std::collections::HashMap;

use axum::extract::{Path, Query as Params, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, TracesData};
use serde_json::{Value, json};

use crate::store::{Query, SpanStore};

/// The routes.
pub fn router(store: SpanStore) -> Router {
    Router::new()
        .route("/api/v3/services", get(services))
        .route("/api/v3/traces", get(traces))
        .route("/api/v3/traces/{id}", get(trace))
        .with_state(store)
}

async fn services(State(store): State<SpanStore>) -> Json<Value> {
    Json(json!({ "services": store.services() }))
}

async fn trace(State(store): State<SpanStore>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<trace::TraceId>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    answer(store.trace(*id.as_bytes()).unwrap_or_default())
}

async fn traces(State(store): State<SpanStore>, Params(params): Params<HashMap<String, String>>) -> Response {
    let attributes: HashMap<String, String> = params
        .get("query.attributes")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let query = Query {
        service: params.get("query.serviceName").cloned(),
        attributes: attributes.into_iter().collect(),
        limit: 100,
        ..Query::default()
    };
    answer(
        store
            .search(&query)
            .into_iter()
            .filter_map(|id| store.trace(id))
            .flatten()
            .collect(),
    )
}

fn answer(resource_spans: Vec<ResourceSpans>) -> Response {
    if resource_spans.is_empty() {
        let error = json!({ "error": { "httpCode": 404, "message": "No traces found" } });
        return (StatusCode::NOT_FOUND, Json(error)).into_response();
    }
    Json(json!({ "result": TracesData { resource_spans } })).into_response()
}
