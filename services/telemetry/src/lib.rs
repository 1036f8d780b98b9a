//! What the three demo services share: spans and their export, trace context between services, and the way a service
//! starts, announces itself, serves, drains and flushes.
//!
//! A service is a function from a [`Kit`] to its [`Routes`]; [`run`] does everything else.
//!
//! Spans come from the `tracing` bridge, so `#[instrument]` and `info_span!` are all that business code needs. Names and
//! attributes of HTTP spans follow the OpenTelemetry semantic conventions for HTTP ([`semantics`]).

pub mod account;
pub mod client;
pub mod config;
pub mod correlation;
pub mod export;
pub mod identity;
pub mod logs;
pub mod names;
pub mod patience;
pub mod problem;
pub mod propagation;
pub mod resource;
pub mod routes;
pub mod sampling;
pub mod semantics;
pub mod serve;
pub mod server;
pub mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tracer;

pub use account::Account;
pub use client::{Answer, CallError, Client, Reached, Upstream};
pub use config::{BaseUrl, Fault, ServiceArgs, Site};
pub use correlation::Correlation;
pub use identity::{Identity, WhoAmI};
pub use patience::patience;
pub use problem::Problem;
pub use propagation::Propagation;
pub use serve::{Kit, Routes, Service, run};
pub use tracer::Telemetry;

/// An error with its causes on one line: `cannot listen on 127.0.0.1:80: permission denied`.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some libraries repeat the cause in their own text.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
