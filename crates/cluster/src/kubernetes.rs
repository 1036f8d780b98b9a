//! The Kubernetes API server: objects applied, roll-outs watched, pods asked, all removed again.

pub mod apply;
pub mod client;
mod error;
pub mod pods;
pub mod readiness;
pub mod rollout;

pub use client::connect;
pub use error::KubernetesError;
