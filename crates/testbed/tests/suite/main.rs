//! Runs, children, signals and sweeps as their users meet them, with real processes.

#![expect(clippy::unwrap_used, reason = "the shared parts of a test fail like the test")]

mod bed;
mod leased;
mod needed;
mod process;
mod run;
mod signals;
#[cfg(target_os = "linux")] // elsewhere processes of dead runs cannot be seen
mod sweep;
mod undo;
