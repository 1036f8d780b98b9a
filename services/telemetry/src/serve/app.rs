//! A service's routes put together: business routes inside server spans, the others beside them.

use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};
use tokio::sync::watch;

use crate::client::Client;
use crate::problem;
use crate::tracer::Telemetry;
use crate::{routes, server};

/// What a service's routes are made of.
#[derive(Debug, Clone)]
pub struct Kit {
    /// The tracer.
    pub telemetry: Arc<Telemetry>,
    /// The client for calls to other services.
    pub client: Client,
}

impl Kit {
    /// A kit whose calls take `upstream_timeout` at most.
    ///
    /// # Errors
    /// The HTTP client can't be built.
    pub fn new(telemetry: Arc<Telemetry>, upstream_timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::new(Arc::clone(&telemetry.propagation), upstream_timeout)?;
        Ok(Self { telemetry, client })
    }
}

/// The routes of a service.
#[derive(Debug, Default)]
pub struct Routes {
    /// Business routes: each request gets a server span.
    pub traced: Router,
    /// Routes without a span, beside those of [`routes::operations`].
    pub untraced: Router,
}

/// The whole application.
pub fn app(telemetry: &Arc<Telemetry>, routes: Routes, stopping: watch::Receiver<bool>) -> Router {
    let span = middleware::from_fn_with_state(Arc::clone(&telemetry.propagation), server::trace);
    let traced = routes
        .traced
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(span);
    traced
        .merge(routes.untraced)
        .merge(routes::operations(Arc::clone(telemetry), stopping))
}
