//! storefront: takes a checkout and forwards the order; the caller inside the cluster.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, Method, StatusCode, header};
use telemetry::routes::{Nonce, whoami};
use telemetry::serve::{Kit, Routes};
use telemetry::{Call, Problem, ServiceArgs, WhoAmI, names};

/// Takes a checkout and forwards the order.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "storefront", version)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// Base URL of order-service
    #[arg(
        long,
        env = "ORDER_URL",
        default_value = "http://order-service:8080",
        value_name = "URL"
    )]
    pub order_url: String,

    /// Limit for a call to order-service
    #[arg(long, env = "UPSTREAM_TIMEOUT", default_value = "2s", value_name = "DURATION", value_parser = telemetry::config::parse_duration)]
    pub upstream_timeout: Duration,
}

#[derive(Debug, Clone)]
struct Front {
    kit: Kit,
    order_url: String,
}

/// The routes of the service.
pub fn routes(kit: Kit, config: &Config) -> Routes {
    let front = Front {
        kit,
        order_url: config.order_url.clone(),
    };
    Routes {
        traced: Router::new()
            .route("/checkout", post(checkout))
            .with_state(front.clone()),
        untraced: Router::new().route("/route", get(route)).with_state(front),
    }
}

async fn checkout(State(front): State<Front>, body: Bytes) -> Result<Response, Problem> {
    let call = Call {
        method: Method::POST,
        base: &front.order_url,
        path: "/api/orders",
        query: &[],
        json: Some(body.to_vec()),
    };
    let answer = front.kit.client.send(call).await.map_err(|error| {
        let status = if error.error_type() == "timeout" {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::BAD_GATEWAY
        };
        Problem::new(
            status,
            "order-service-unreachable",
            "order-service does not answer",
            error.to_string(),
        )
    })?;
    let mut response = (answer.status, answer.body).into_response();
    if let Some(kind) = answer.headers.get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    Ok(response)
}

/// The path that requests take, as the processes on it tell.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Path {
    /// The caller's nonce, as it was sent.
    pub nonce: Option<String>,
    /// Who answered, in the order of the path.
    pub hops: Vec<WhoAmI>,
}

async fn route(
    State(front): State<Front>,
    Query(query): Query<Nonce>,
    headers: HeaderMap,
) -> Result<Json<Path>, Problem> {
    let mut copied = HeaderMap::new();
    if let Some(debug) = headers.get(names::X_DEBUG) {
        copied.insert(names::X_DEBUG, debug.clone());
    }
    let nonce = query.nonce.clone().unwrap_or_default();
    let call = Call {
        method: Method::GET,
        base: &front.order_url,
        path: "/whoami",
        query: &[("nonce", &nonce)],
        json: None,
    };
    let broken = |detail: String| {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            "route-broken",
            "order-service does not answer",
            detail,
        )
    };
    let answer = front
        .kit
        .client
        .send_untraced(call, copied)
        .await
        .map_err(|error| broken(error.to_string()))?;
    let order: WhoAmI = serde_json::from_slice(&answer.body).map_err(|error| broken(error.to_string()))?;
    Ok(Json(Path {
        nonce: query.nonce.clone(),
        hops: vec![whoami(&front.kit.telemetry, query.nonce), order],
    }))
}
