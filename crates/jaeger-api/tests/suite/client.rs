//! The client against every server that may stand behind the address.

mod dialects;
mod failures;
mod server;
mod traces;
