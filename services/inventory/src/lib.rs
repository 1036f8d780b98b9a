//! inventory-service: answers whether an article is in stock.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use telemetry::serve::Routes;
use telemetry::{Problem, ServiceArgs};

/// Answers whether an article is in stock.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "inventory-service", version)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// Wait this long before answering a stock question
    #[arg(long, env = "RESPONSE_DELAY", default_value = "0s", value_name = "DURATION", value_parser = telemetry::config::parse_duration)]
    pub response_delay: Duration,

    /// Limit for a call to the next service (there is none here; accepted so that all services take the same settings)
    #[arg(long, env = "UPSTREAM_TIMEOUT", default_value = "2s", value_name = "DURATION", value_parser = telemetry::config::parse_duration)]
    pub upstream_timeout: Duration,
}

/// Articles and how many there are.
const STOCK: [(&str, u32); 4] = [
    ("widget", 100),
    ("gadget", 12),
    ("sprocket", 3),
    ("unobtainium", 0),
];

/// The answer to a stock question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The article.
    pub sku: String,
    /// Whether there is any.
    pub available: bool,
    /// How many.
    pub quantity: u32,
}

/// The routes of the service.
pub fn routes(config: &Config) -> Routes {
    Routes {
        traced: Router::new()
            .route("/api/check", get(check))
            .with_state(config.response_delay),
        untraced: Router::new(),
    }
}

#[derive(Debug, Deserialize)]
struct Question {
    sku: Option<String>,
}

async fn check(
    State(delay): State<Duration>,
    Query(question): Query<Question>,
) -> Result<Json<Stock>, Problem> {
    if !delay.is_zero() {
        wait(delay).await;
    }
    let Some(sku) = question.sku.filter(|sku| !sku.is_empty()) else {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "missing-sku",
            "No article named",
            "the query has no `sku`",
        ));
    };
    match STOCK.iter().find(|(known, _)| *known == sku) {
        Some(&(_, quantity)) => Ok(Json(Stock {
            sku,
            available: quantity > 0,
            quantity,
        })),
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-sku",
            "Unknown article",
            format!("there is no article {sku:?}"),
        )),
    }
}

#[expect(clippy::disallowed_methods, reason = "being slow is what was asked for")]
async fn wait(delay: Duration) {
    tokio::time::sleep(delay).await;
}
