//! Sessions with a debugger: with a stand-in that misbehaves, and with the real ones.

mod bed;
mod fake;
mod real;
