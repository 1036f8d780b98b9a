//! A client of real debuggers: what an editor does at a breakpoint, done by a program.
//!
//! `lldb-dap` speaks the [Debug Adapter Protocol](https://microsoft.github.io/debug-adapter-protocol/) over stdio and is
//! the first choice, since it is what editors use for Rust. gdb's machine interface is the second. [`Session`] hides
//! which one it is.
//!
//! A debugger is a supervised child of a [`testbed::Run`]: it is on the undo stack before it exists, and so is, by the
//! environment that it inherits, whatever the debugger starts. Everything that waits has a deadline.

mod adapter;
mod dap;
pub mod error;
mod lines;
mod mi;
pub mod prepared;
pub mod session;
pub mod target;
pub mod tool;

pub use error::DebugError;
pub use prepared::Prepared;
pub use session::Session;
pub use target::{Breakpoint, Launch, Stop};
pub use tool::{Tool, ToolError};
