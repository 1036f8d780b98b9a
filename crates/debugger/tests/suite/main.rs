//! Sessions with a debugger: with a stand-in that misbehaves, and with the real ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bed;
mod fake;
mod real;
