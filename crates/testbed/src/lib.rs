//! Time, processes, signals and undo: the only crate that sleeps, spawns or traps.

pub mod environment;
pub mod explain;
pub mod run;

pub use environment::{
    Capability, Collected, Disturbance, Endpoints, Environment, EnvironmentName, InterceptSpec, Missing, Selection,
};
pub use explain::Explain;
