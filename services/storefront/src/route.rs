//! `GET /route?nonce=…`: who would answer an order right now. The proof that an intercept is active or gone rests on it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use telemetry::routes::{Nonce, whoami};
use telemetry::{Problem, Telemetry, Upstream, WhoAmI, names};

/// How long order-service may take to say who it is. A pod that is being evicted accepts a connection and never answers. Less than
/// the two seconds that who asks will wait for, so that it is told how far the question came.
const LIMIT: Duration = Duration::from_millis(1_800);

/// The path that an order would take, as the processes on it say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The caller's nonce, as it was sent.
    pub nonce: Option<String>,
    /// Who answered, in the order of the path.
    pub hops: Vec<WhoAmI>,
}

/// Asks order-service on a connection of its own, with the header by which an intercept may pick its requests.
pub(crate) async fn route(
    State((telemetry, order)): State<(Arc<Telemetry>, Upstream)>,
    query: Result<Query<Nonce>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Path>, Problem> {
    let Query(Nonce { nonce }) = query.map_err(|rejection| Problem::bad_query(&rejection))?;
    let copied = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)));
    let copied = copied.filter(|(name, _)| name == names::X_DEBUG).collect();
    let pair = nonce.as_deref().map(|nonce| ("nonce", nonce));
    let answer = order.ask("/whoami", pair.as_slice(), copied, LIMIT).await;
    let answer = answer.map_err(|error| broken(telemetry::chain(&error)))?;
    if answer.status != StatusCode::OK {
        return Err(broken(format!("order-service answered {}", answer.status)));
    }
    let hop: WhoAmI = serde_json::from_slice(&answer.body)
        .map_err(|error| broken(format!("order-service did not say who it is: {error}")))?;
    if hop.nonce != nonce {
        return Err(broken(format!(
            "asked with nonce {nonce:?}, answered with {:?}",
            hop.nonce
        )));
    }
    Ok(Json(Path {
        hops: vec![whoami(&telemetry, nonce.clone()), hop],
        nonce,
    }))
}

fn broken(detail: String) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "route-broken",
        "The path of an order cannot be told",
        detail,
    )
}
