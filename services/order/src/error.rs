//! Why an order was not created: for the caller a problem, for the trace an error status and type.

use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use telemetry::problem::FieldError;
use telemetry::{CallError, Problem};

/// Why an order was not created.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The body could not be read: too large, or broken off. Status 413 or 400.
    #[error("the body cannot be read: {}", .0.body_text())]
    BadBody(BytesRejection),
    /// The body is no JSON. Status 400.
    #[error("the body is no JSON: {reason}")]
    BadJson {
        /// What the parser says.
        reason: String,
    },
    /// The body is JSON and no order. Status 422.
    #[error("the body is no order: {}", listed(errors))]
    Invalid {
        /// Everything that is wrong with it.
        errors: Vec<FieldError>,
    },
    /// There is no such article. Status 404: what the order points to does not exist.
    #[error("there is no article {sku:?}")]
    UnknownSku {
        /// The article.
        sku: String,
    },
    /// There are too few pieces, or none. Status 409: the same order can succeed later.
    #[error("{wanted} of {sku:?} wanted, {left} in stock")]
    SoldOut {
        /// The article.
        sku: String,
        /// Pieces ordered.
        wanted: u32,
        /// Pieces in stock.
        left: u32,
    },
    /// The inventory gave no answer. Status 504 when it was too slow, otherwise 502.
    #[error("{}", telemetry::chain(.0))]
    Inventory(#[from] CallError),
    /// The inventory answered something that is no answer to the question. Status 502.
    #[error("inventory-service answered {status} and no stock level: {reason}")]
    InventoryAnswer {
        /// Its status.
        status: StatusCode,
        /// What is wrong with it.
        reason: String,
    },
}

fn listed(errors: &[FieldError]) -> String {
    let listed: Vec<String> = errors
        .iter()
        .map(|error| format!("{} {}", error.pointer, error.detail))
        .collect();
    listed.join("; ")
}

impl OrderError {
    /// `error.type` of the semantic conventions: one of few values that stay the same.
    #[must_use]
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::BadBody(_) => "bad_body",
            Self::BadJson { .. } => "bad_json",
            Self::Invalid { .. } => "invalid_order",
            Self::UnknownSku { .. } => "unknown_sku",
            Self::SoldOut { .. } => "sold_out",
            Self::Inventory(error) => error.error_type(),
            Self::InventoryAnswer { .. } => "inventory_answer",
        }
    }

    /// What the caller is told.
    #[must_use]
    pub fn problem(self) -> Problem {
        let detail = self.to_string();
        match self {
            Self::BadBody(rejection) => Problem::bad_body(&rejection),
            Self::BadJson { .. } => {
                Problem::new(StatusCode::BAD_REQUEST, "bad-json", "The body is no JSON", detail)
            }
            Self::Invalid { errors } => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-order",
                "The body is no order",
                detail,
            )
            .with_errors(errors),
            Self::UnknownSku { .. } => Problem::new(
                StatusCode::NOT_FOUND,
                "unknown-sku",
                "The article is unknown",
                detail,
            ),
            Self::SoldOut { .. } => Problem::new(
                StatusCode::CONFLICT,
                "sold-out",
                "The article is sold out",
                detail,
            ),
            Self::Inventory(error) => error.problem(),
            Self::InventoryAnswer { .. } => Problem::new(
                StatusCode::BAD_GATEWAY,
                "upstream-broken",
                "A service further on gave no proper answer",
                detail,
            ),
        }
    }
}

impl IntoResponse for OrderError {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
