//! The part of the command line that leads through the workshop.

use clap::{Args, Subcommand};

use super::Places;

/// Arguments of `workshop`.
#[derive(Debug, Clone, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  cargo xtask workshop list         the steps with their goals
  cargo xtask workshop start 2      one step's goal and commands
  cargo xtask workshop check 2      what your runs since then have shown
  cargo xtask workshop reset        finish the undo of runs that were killed, and begin anew"
)]
pub struct WorkshopArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: WorkshopVerb,
    /// Where things are on disk.
    #[command(flatten)]
    pub places: Places,
}

/// What can be done in the workshop.
#[derive(Debug, Clone, Subcommand)]
pub enum WorkshopVerb {
    /// List the steps with their goals
    List,
    /// Begin a step: show its goal and commands, and let only newer runs count
    Start {
        /// The step's number
        #[arg(value_name = "N")]
        step: u8,
    },
    /// Say whether the runs since the step was begun have shown what it is about
    Check {
        /// The step's number
        #[arg(value_name = "N")]
        step: u8,
    },
    /// Finish the undo of runs that were killed, and forget which steps were begun
    Reset,
}
