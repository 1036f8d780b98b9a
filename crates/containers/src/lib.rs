//! The environment with a real Collector and a real Jaeger in containers; services and intercept are those of
//! [`embedded`].
//!
//! ```text
//! service processes, Services, intercept: as embedded
//!         │ OTLP, to a port of 127.0.0.1
//!         ▼
//! Collector (container) ──► Jaeger (container) ◄── the proof asks its query API, on another port of 127.0.0.1
//! ```

pub mod config;
mod container;
mod engine;
mod environment;
mod error;
mod evidence;
mod preflight;

pub use environment::{ContainersConfig, ContainersEnvironment};
pub use error::ContainersError;
