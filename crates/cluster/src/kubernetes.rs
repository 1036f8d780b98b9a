//! The Kubernetes API server: objects applied, roll-outs watched, pods asked, all removed again.

pub(crate) mod agent;
pub mod apply;
pub mod client;
pub mod dns;
pub(crate) mod error;
pub mod events;
pub mod forward;
pub(crate) mod known_pods;
pub mod logs;
pub mod nodes;
pub mod pods;
pub mod readiness;
pub mod rollout;
pub mod services;
pub mod sweep;
pub mod unavailable;
pub mod view;
pub(crate) mod webhook;

pub use client::connect;
pub use error::KubernetesError;
