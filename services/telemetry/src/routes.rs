//! Routes that every service has and that are never traced: `/healthz`, `/readyz`, `/whoami`.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::identity::WhoAmI;
use crate::tracer::Telemetry;

/// The query of `/whoami` and `/route`.
#[derive(Debug, Deserialize)]
pub struct Nonce {
    /// Chosen by the caller; comes back as it was sent.
    pub nonce: Option<String>,
}

/// The answer of `/whoami`.
#[must_use]
pub fn whoami(telemetry: &Telemetry, nonce: Option<String>) -> WhoAmI {
    let identity = telemetry.identity.clone();
    WhoAmI {
        service: identity.service,
        version: identity.version,
        site: identity.site,
        pid: identity.pid,
        instance_id: identity.instance_id,
        started_at: identity.started_at,
        nonce,
        telemetry: telemetry.ledger.read(),
    }
}

/// The routes.
pub fn operations(telemetry: Arc<Telemetry>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/whoami", get(answer_whoami))
        .with_state(telemetry)
}

async fn answer_whoami(State(telemetry): State<Arc<Telemetry>>, Query(query): Query<Nonce>) -> Json<WhoAmI> {
    Json(whoami(&telemetry, query.nonce))
}
