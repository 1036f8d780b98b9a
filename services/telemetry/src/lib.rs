//! What the three demo services share: spans and their export, trace context between services, and the way a service
//! starts, announces itself, serves, drains and flushes.

pub mod account;
pub mod client;
pub mod config;
pub mod exporter;
pub mod identity;
pub mod logs;
pub mod names;
pub mod problem;
pub mod propagation;
pub mod resource;
pub mod routes;
pub mod serve;
pub mod server;
pub mod tracer;

pub use account::Account;
pub use client::{Answer, Call, CallError, Client};
pub use config::{Fault, ServiceArgs, Site};
pub use identity::{Identity, WhoAmI};
pub use problem::Problem;
pub use propagation::{Correlation, Propagation};
pub use serve::{Kit, run};
pub use tracer::Telemetry;
