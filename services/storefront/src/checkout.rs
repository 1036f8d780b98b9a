//! `POST /checkout`: forwards the order and passes the answer on.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use telemetry::{Problem, Upstream, patience};

/// Forwards the body as it is: whether it is an order, order-service knows. Its answer is passed on as it is too, error or
/// not; only when there is none, the problem is ours. A caller that says how long it will wait (`Prefer: wait=30`) is
/// believed, so that a breakpoint in order-service is no time-out here.
pub(crate) async fn checkout(
    State(order): State<Upstream>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| Problem::bad_body(&rejection))?;
    let mut answer = order
        .patient(patience(&headers))
        .post("/api/orders", body.into())
        .await
        .map_err(|error| error.problem())?;
    let kind = answer.headers.remove(header::CONTENT_TYPE);
    let mut response = (answer.status, answer.body).into_response();
    match kind {
        Some(kind) => response.headers_mut().insert(header::CONTENT_TYPE, kind),
        None => response.headers_mut().remove(header::CONTENT_TYPE),
    };
    Ok(response)
}
