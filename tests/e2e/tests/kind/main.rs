//! The real program on real Kubernetes with the real Telepresence, ended in every way there is. Makes clusters whose names begin
//! with `throughline-test`, and removes them. Run it with `cargo test -p e2e --features kind --test kind`;
//! `THROUGHLINE_WALK=all` walks through every step of a run, where otherwise only some are taken.

#![expect(
    clippy::print_stderr,
    reason = "a test of minutes says how far it is and how long things took"
)]

#[path = "../suite/program.rs"]
#[expect(
    dead_code,
    reason = "the tests without Kubernetes need more of what starts the program"
)]
mod program;

mod bad_ends;
mod bed;
mod machine;
mod moment;
mod walk;
