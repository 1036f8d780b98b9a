//! The environment on real Kubernetes: kind, service images, manifests, roll-out, Telepresence, evidence.
//!
//! The only crate that knows Kubernetes, kind and Telepresence. It stays outside the everyday build (see
//! `default-members` in the workspace's manifest), because kube costs as much as everything else together.

pub mod image;
pub mod kind_config;
pub mod manifest;
pub mod pins;
pub mod reference;

pub use pins::{Pin, PinError, PinFlag, Pins};
pub use reference::{ImageRef, Version};
