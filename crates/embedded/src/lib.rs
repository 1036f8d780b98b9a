//! The environment without Docker: OTLP receiver, span store, Jaeger query API, intercept proxy.

pub mod environment;
pub mod otlp;
pub mod proxy;
pub mod query;
pub mod store;

pub use environment::{EmbeddedConfig, EmbeddedEnvironment, ServiceBinaries};
