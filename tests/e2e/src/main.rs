//! The `throughline` program: parse, run, return the exit code.

use clap::Parser;
use e2e::cli::Cli;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    e2e::command::dispatch(Cli::parse()).await
}
