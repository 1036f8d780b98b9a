//! Whether a connection outlives its first answer.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Version};

use crate::config::Connections;

/// The application, with what was asked for done to every answer.
pub(super) fn treated(app: Router, connections: Connections) -> Router {
    match connections {
        Connections::Keep => app,
        Connections::Close => app.layer(middleware::from_fn(close)),
    }
}

/// Announces the end of the connection, which makes the server close it (RFC 9112, section 9.6). HTTP/2 has no such field
/// (RFC 9113, section 8.2.2).
async fn close(request: Request, next: Next) -> Response {
    let announces = request.version() < Version::HTTP_2;
    let mut response = next.run(request).await;
    if announces {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
