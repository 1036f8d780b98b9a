//! Routes that every service has and that are never traced: `/healthz`, `/readyz`, `/whoami`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::sync::watch;

use crate::identity::WhoAmI;
use crate::patience::patience;
use crate::problem::Problem;
use crate::tracer::Telemetry;

/// The query of `/whoami` and `/route`.
#[derive(Debug, Clone, Deserialize)]
pub struct Nonce {
    /// Chosen by the caller; comes back as it was sent.
    pub nonce: Option<String>,
}

/// What the routes tell about.
#[derive(Debug, Clone)]
struct Operations {
    telemetry: Arc<Telemetry>,
    stopping: watch::Receiver<bool>,
}

/// The routes. `stopping` tells that the process is about to end: it stays healthy, and is no longer ready.
pub fn operations(telemetry: Arc<Telemetry>, stopping: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(answer_readyz))
        .route("/whoami", get(answer_whoami))
        .with_state(Operations { telemetry, stopping })
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

async fn answer_readyz(State(operations): State<Operations>) -> Response {
    ready(*operations.stopping.borrow())
}

/// A caller that prefers to wait (`Prefer: wait=1`, RFC 7240) has the answer once no span is pending, or as late as it prefers:
/// who asks again and again until then costs both sides more.
async fn answer_whoami(
    State(operations): State<Operations>,
    headers: HeaderMap,
    query: Result<Query<Nonce>, QueryRejection>,
) -> Result<Json<WhoAmI>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_query(&rejection))?;
    let telemetry = &operations.telemetry;
    if query.nonce.is_some() {
        telemetry.probes.fetch_add(1, Ordering::Relaxed);
    }
    if let Some(patience) = patience(&headers) {
        let paid_or_stopped = async {
            tokio::select! {
                () = telemetry.ledger.paid() => {}
                () = stopped(operations.stopping.clone()) => {}
            }
        };
        // The answer tells by itself whether spans are still pending.
        let _ = tokio::time::timeout(patience, paid_or_stopped).await;
    }
    Ok(Json(whoami(telemetry, query.nonce)))
}

/// Waits until the process is about to end: nobody holds that up by waiting for an answer.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        // Nobody is left who could stop it.
        std::future::pending::<()>().await;
    }
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
