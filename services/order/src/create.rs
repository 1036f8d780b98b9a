//! `POST /api/orders`: the `create-order` span around reading the order, asking the inventory, and processing.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use http::StatusCode;
use opentelemetry::trace::Status;
use serde::{Deserialize, Serialize};
use telemetry::Upstream;
use tracing::{Instrument, Span, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::apart;
use crate::error::OrderError;
use crate::new_order::NewOrder;
use crate::prices;
use crate::process_order::process_order;

/// The answer to an order that was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The order's id.
    pub order_id: String,
    /// Always `created`.
    pub status: String,
}

/// What an order needs.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) inventory: Upstream,
    /// The fault [`Fault::LoseContext`](telemetry::Fault::LoseContext).
    pub(crate) lose_context: bool,
}

pub(crate) async fn create(
    State(shop): State<Shop>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Created>), OrderError> {
    let span = info_span!("create-order");
    let result = place(&shop, body, &span).instrument(span.clone()).await;
    if let Err(error) = &result {
        span.set_attribute("error.type", error.error_type());
        span.set_status(Status::error(error.to_string()));
    }
    result.map(|created| (StatusCode::CREATED, Json(created)))
}

async fn place(shop: &Shop, body: Result<Bytes, BytesRejection>, span: &Span) -> Result<Created, OrderError> {
    let order = NewOrder::parse(&body.map_err(OrderError::BadBody)?)?;
    span.set_attribute("order.customer_id", order.customer_id.clone());
    span.set_attribute("order.sku", order.sku.clone());
    span.set_attribute("order.quantity", i64::from(order.quantity));
    let left = stock_of(&shop.inventory, &order.sku).await?;
    span.set_attribute("inventory.available", left > 0);
    if left < order.quantity {
        return Err(OrderError::SoldOut {
            sku: order.sku,
            wanted: order.quantity,
            left,
        });
    }
    // An article in stock that has no price is not for sale: to the caller the same as one that does not exist.
    let Some(unit_cents) = prices::price_of(&order.sku) else {
        return Err(OrderError::UnknownSku { sku: order.sku });
    };
    let processed = if shop.lose_context {
        apart::process(&order, unit_cents).await
    } else {
        process_order(&order.customer_id, order.quantity, unit_cents)
    };
    span.set_attribute("order.id", processed.order_id.clone());
    span.set_attribute("order.total", processed.total);
    info!(
        order_id = processed.order_id,
        total = processed.total,
        "order created"
    );
    Ok(Created {
        order_id: processed.order_id,
        status: "created".to_owned(),
    })
}

/// Asks the inventory how many pieces there are.
async fn stock_of(inventory: &Upstream, sku: &str) -> Result<u32, OrderError> {
    #[derive(Deserialize)]
    struct Stock {
        available: bool,
        quantity: u32,
    }
    let answer = inventory.get("/api/check", &[("sku", sku)]).await?;
    let nonsense = |reason: String| OrderError::InventoryAnswer {
        status: answer.status,
        reason,
    };
    match answer.status {
        StatusCode::OK => {
            let stock: Stock =
                serde_json::from_slice(&answer.body).map_err(|error| nonsense(error.to_string()))?;
            Ok(if stock.available { stock.quantity } else { 0 })
        }
        StatusCode::NOT_FOUND if is_about_the_article(&answer.body) => {
            Err(OrderError::UnknownSku { sku: sku.to_owned() })
        }
        _ => Err(nonsense("expected 200, or 404 for an unknown article".to_owned())),
    }
}

/// Whether a 404 says that the article is unknown, rather than that there is no such route: a wrong base URL must not
/// look like a wrong order.
fn is_about_the_article(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        r#type: String,
    }
    serde_json::from_slice::<Kind>(body).is_ok_and(|problem| problem.r#type == "/problems/unknown-sku")
}
