//! The environment on real Kubernetes: kind, service images, manifests, roll-out, Telepresence, evidence.
//!
//! The only crate that knows Kubernetes, kind and Telepresence. It stays outside the everyday build (see
//! `default-members` in the workspace's manifest), because kube costs as much as everything else together.

pub mod binaries;
pub mod bring_up;
#[cfg(target_os = "linux")]
mod conntrack;
pub mod context;
pub mod docker;
mod doctor;
pub mod download;
pub mod environment;
mod error;
pub mod evidence;
pub mod image;
pub mod kind;
pub mod kind_config;
pub mod kubernetes;
pub mod machine;
pub mod manifest;
pub mod node;
mod options;
mod preflight;
pub mod program;
pub mod saved_images;
pub mod telepresence;
#[cfg(test)]
mod testing;
pub mod tool;

pub use context::{ContextOptions, ServiceImages};
pub use environment::{KindEnvironment, WORKSTATION_PORT};
pub use error::ClusterError;
pub use options::{KindOptions, Plan};
pub use upstream::pins::{Pin, PinError, PinFlag, Pins};
pub use upstream::reference::{ImageRef, Version};
pub use upstream::{pins, probe, reference};
