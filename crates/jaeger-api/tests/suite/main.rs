//! The crate from outside: recorded answers of a real Jaeger, and a client against a server that misbehaves.

#![expect(clippy::unwrap_used, reason = "what a test can't set up fails the test")]

mod client;
mod convert;
mod recorded;
mod wire;
