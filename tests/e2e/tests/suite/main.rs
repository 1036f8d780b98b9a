//! The real program with the real services, as a user runs it.

mod bad_ends;
mod completions;
#[cfg(feature = "containers")]
mod containers;
mod demo;
mod docs;
mod down;
mod editor;
mod intercept;
mod interrupt;
mod kill;
mod parity;
mod pipeline;
mod program;
mod redact;
mod results;
mod terminal;
mod usage;
mod workshop;
mod workshop_verbs;
