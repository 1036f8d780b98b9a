//! Jaeger's query API: its wire types in both directions, their conversion to the trace model, and a client.

pub mod client;
pub mod convert;
pub mod wire;

pub use client::JaegerClient;
pub use client::error::JaegerError;
pub use client::flavour::{ApiFlavour, SearchApi};
pub use client::limits::ClientLimits;
pub use client::query::{Operation, SearchQuery, ServiceSummary, TraceSummary};
