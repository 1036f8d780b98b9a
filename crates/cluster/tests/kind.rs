//! The environment on the real thing. Needs Docker, kind and the images of `pins.yaml`; makes clusters whose names begin
//! with `throughline-test`, and removes them. Run it with `cargo test -p cluster --test kind`.

#![expect(clippy::unwrap_used, reason = "the shared parts of a test fail like the test")]
#![expect(
    clippy::print_stderr,
    reason = "a test of minutes says how far it is and how long things took"
)]

#[path = "kind/bad_ends.rs"]
mod bad_ends;
#[path = "kind/bed.rs"]
mod bed;
#[path = "kind/connection.rs"]
mod connection;
#[path = "kind/context.rs"]
mod context;
#[path = "kind/fresh.rs"]
mod fresh;
#[path = "kind/kept.rs"]
mod kept;
