//! order-service: orders in one process, and the life of the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod export;
mod life;
mod open_spans;
mod orders;
mod process;
mod receiver;
mod settings;
mod trouble;
