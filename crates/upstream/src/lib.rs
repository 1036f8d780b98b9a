//! What is known of the foreign programs that environments are made of: which versions, and the proof that a Collector and
//! a Jaeger work together.

pub mod pins;
pub mod probe;
pub mod reference;
pub mod source;

pub use pins::{Pin, PinError, PinFlag, Pins};
pub use reference::{ImageRef, Version};
