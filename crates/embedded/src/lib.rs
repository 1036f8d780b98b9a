//! The environment without Docker: OTLP receiver, span store, Jaeger query API, intercept proxy.

pub mod otlp;
pub mod proxy;
pub mod store;
