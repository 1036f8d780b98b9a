//! The proxy over loopback, between callers and targets that behave as badly as needed.

mod disturbing;
mod ending;
mod failures;
mod fields;
mod http2;
mod many;
mod routing;
mod stage;
mod streaming;
mod upgrading;
