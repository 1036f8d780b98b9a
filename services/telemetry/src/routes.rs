//! Routes that every service has and that are never traced: `/healthz`, `/readyz`, `/whoami`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::watch;

use crate::identity::WhoAmI;
use crate::problem::Problem;
use crate::tracer::Telemetry;

/// The query of `/whoami` and `/route`.
#[derive(Debug, Clone, Deserialize)]
pub struct Nonce {
    /// Chosen by the caller; comes back as it was sent.
    pub nonce: Option<String>,
}

/// The routes. `stopping` tells that the process is about to end: it stays healthy, and is no longer ready.
pub fn operations(telemetry: Arc<Telemetry>, stopping: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(async move || ready(*stopping.borrow())))
        .route("/whoami", get(answer_whoami))
        .with_state(telemetry)
}

/// Who this process is, now.
#[must_use]
pub fn whoami(telemetry: &Telemetry, nonce: Option<String>) -> WhoAmI {
    WhoAmI {
        identity: telemetry.identity.clone(),
        nonce,
        probes: telemetry.probes.load(Ordering::Relaxed),
        telemetry: telemetry.ledger.read(),
    }
}

async fn answer_whoami(
    State(telemetry): State<Arc<Telemetry>>,
    query: Result<Query<Nonce>, QueryRejection>,
) -> Result<Json<WhoAmI>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_query(&rejection))?;
    if query.nonce.is_some() {
        telemetry.probes.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Json(whoami(&telemetry, query.nonce)))
}

fn ready(stopping: bool) -> Response {
    if stopping {
        let detail = "no new requests are taken; those under way are finished";
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "The service is stopping",
            detail,
        )
        .into_response()
    } else {
        "ready\n".into_response()
    }
}
