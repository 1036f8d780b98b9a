//! order-service: takes orders and asks the inventory; the service that is intercepted.

pub mod process_order;

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{Method, StatusCode};
use opentelemetry::trace::Status;
use serde::{Deserialize, Serialize};
use telemetry::serve::{Kit, Routes};
use telemetry::{Call, Problem, ServiceArgs};
use tracing::{Instrument, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Takes orders and asks the inventory.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "order-service", version)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceArgs,

    /// Base URL of inventory-service
    #[arg(
        long,
        env = "INVENTORY_URL",
        default_value = "http://inventory-service:8080",
        value_name = "URL"
    )]
    pub inventory_url: String,

    /// Limit for a call to inventory-service
    #[arg(long, env = "UPSTREAM_TIMEOUT", default_value = "2s", value_name = "DURATION", value_parser = telemetry::config::parse_duration)]
    pub upstream_timeout: Duration,
}

#[derive(Debug, Clone)]
struct Shop {
    kit: Kit,
    inventory_url: String,
}

#[derive(Debug, Deserialize)]
struct NewOrder {
    customer_id: String,
    sku: String,
    quantity: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Created {
    order_id: String,
    status: &'static str,
}

#[derive(Debug, Deserialize)]
struct Stock {
    available: bool,
}

/// The routes of the service.
pub fn routes(kit: Kit, config: &Config) -> Routes {
    let shop = Shop {
        kit,
        inventory_url: config.inventory_url.clone(),
    };
    Routes {
        traced: Router::new().route("/api/orders", post(create)).with_state(shop),
        untraced: Router::new(),
    }
}

async fn create(State(shop): State<Shop>, body: Bytes) -> Result<(StatusCode, Json<Created>), Problem> {
    let span = info_span!("create-order");
    let result = place(&shop, &body).instrument(span.clone()).await;
    if let Err(problem) = &result {
        span.set_status(Status::error(problem.detail.clone()));
        span.set_attribute("error.type", problem.kind.clone());
    }
    result.map(|created| (StatusCode::CREATED, Json(created)))
}

async fn place(shop: &Shop, body: &[u8]) -> Result<Created, Problem> {
    let span = tracing::Span::current();
    let order: NewOrder = serde_json::from_slice(body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad-json", "Not JSON", error.to_string()))?;
    span.set_attribute("order.customer_id", order.customer_id.clone());
    let call = Call {
        method: Method::GET,
        base: &shop.inventory_url,
        path: "/api/check",
        query: &[("sku", &order.sku)],
        json: None,
    };
    let answer = shop.kit.client.send(call).await.map_err(|error| {
        let status = if error.error_type() == "timeout" {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::BAD_GATEWAY
        };
        Problem::new(
            status,
            "inventory-unreachable",
            "The inventory does not answer",
            error.to_string(),
        )
    })?;
    if answer.status == StatusCode::NOT_FOUND {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-sku",
            "Unknown article",
            format!("there is no article {:?}", order.sku),
        ));
    }
    let stock: Stock = serde_json::from_slice(&answer.body).map_err(|error| {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            "inventory-broken",
            "The inventory answers nonsense",
            error.to_string(),
        )
    })?;
    span.set_attribute("inventory.available", stock.available);
    if !stock.available {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "sold-out",
            "Sold out",
            format!("{:?} is sold out", order.sku),
        ));
    }
    let processed = process_order::process_order(&order.customer_id, &order.sku, order.quantity.unwrap_or(1));
    span.set_attribute("order.id", processed.order_id.clone());
    span.set_attribute("order.total", processed.total);
    Ok(Created {
        order_id: processed.order_id,
        status: "created",
    })
}
