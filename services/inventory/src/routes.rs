//! The routes of inventory-service.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use telemetry::{Problem, Routes};
use tracing::info;

use crate::config::Config;
use crate::stock::Stock;

/// `GET /api/check?sku=…`.
pub fn routes(config: &Config) -> Routes {
    let traced = Router::new()
        .route("/api/check", get(check))
        .with_state(config.response_delay);
    Routes {
        traced,
        untraced: Router::new(),
    }
}

#[derive(Debug, Deserialize)]
struct Question {
    sku: Option<String>,
}

async fn check(
    State(delay): State<Duration>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Stock>, Problem> {
    let Query(question) = question.map_err(|rejection| Problem::bad_query(&rejection))?;
    let Some(sku) = question.sku.filter(|sku| !sku.is_empty()) else {
        let detail = "the query has no `sku`, as in `/api/check?sku=WIDGET-001`";
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "missing-sku",
            "No article is named",
            detail,
        ));
    };
    if !delay.is_zero() {
        dawdle(delay).await;
    }
    match Stock::of(&sku) {
        Some(stock) => {
            info!(sku, quantity = stock.quantity, "stock checked");
            Ok(Json(stock))
        }
        None => {
            let detail = format!("there is no article {sku:?}");
            Err(Problem::new(
                StatusCode::NOT_FOUND,
                "unknown-sku",
                "The article is unknown",
                detail,
            ))
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "being slow is what was asked for; nothing is waited for"
)]
async fn dawdle(delay: Duration) {
    tokio::time::sleep(delay).await;
}
