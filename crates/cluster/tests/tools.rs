//! What people are told when kind, Docker and Telepresence misbehave, against fakes on PATH; and what they are asked.

#![expect(clippy::unwrap_used, reason = "the shared parts of a test fail like the test")]

#[path = "tools/context.rs"]
mod context;
#[path = "tools/docker.rs"]
mod docker;
#[path = "tools/download.rs"]
mod download;
#[path = "tools/environment.rs"]
mod environment;
#[path = "tools/fakes.rs"]
mod fakes;
#[path = "tools/kept.rs"]
mod kept;
#[path = "tools/kind.rs"]
mod kind;
#[path = "tools/node.rs"]
mod node;
#[path = "tools/saved_images.rs"]
mod saved_images;
#[path = "tools/telepresence.rs"]
mod telepresence;
#[path = "tools/telepresence_again.rs"]
mod telepresence_again;
#[path = "tools/telepresence_bed.rs"]
mod telepresence_bed;
#[path = "tools/unruly.rs"]
mod unruly;
#[path = "tools/withdrawal.rs"]
mod withdrawal;
