//! Spans, propagation, calls and the account, with everything in one process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounting;
mod calls;
mod contract;
mod no_answer;
mod operations;
mod raw;
mod server_spans;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use telemetry::{Problem, Routes};
use tower::ServiceExt;

/// Business routes and nothing else.
fn traced(traced: Router) -> Routes {
    Routes {
        traced,
        untraced: Router::new(),
    }
}

/// Sends a request without a body straight into an application.
async fn send(app: Router, method: &str, uri: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn problem(response: Response) -> Problem {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    json(response).await
}

async fn json<T: DeserializeOwned>(response: Response) -> T {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}
