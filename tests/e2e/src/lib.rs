//! Scenarios, their twins, the runner and the reports: the `throughline` program.

pub mod bed;
pub mod breakpoint;
pub mod caller;
pub mod cli;
pub mod command;
pub mod demo;
pub mod environment;
pub mod exit;
pub mod gather;
pub mod input;
pub mod intercept;
pub mod live;
pub mod outcome;
pub mod parity;
pub mod pictures;
pub mod places;
pub mod proof;
pub mod random;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod selection;
pub mod session;
pub mod stage;
pub mod switch;
pub mod workstation;
