//! The way of a span out of the process: counted when it starts, bounded while it waits, counted again by what the
//! receiver said. Nothing here delays or fails a request.
//!
//! Three parts stand around the SDK's own batch processor and OTLP exporter: [`Accounting`] in front of the processor,
//! [`Accounted`] in front of the exporter, and a [`Rejections`] layer that hears of spans that the receiver refused.

mod accounted;
mod accounting;
mod otlp;
mod pending;
mod rejections;

pub use accounted::Accounted;
pub use accounting::{Accounting, Discard};
pub use otlp::{BuildError, exporter};
pub use pending::Pending;
pub use rejections::Rejections;
