//! Time, processes, signals and undo: the only crate that sleeps, spawns or traps.

pub mod clock;
pub mod deadline;
pub mod environment;
pub mod event;
pub mod explain;
mod history;
pub mod process;
mod processes;
pub mod run;
pub mod run_dir;
pub mod run_id;
pub mod signal;
pub mod sweep;
pub mod text;
pub mod undo;
pub mod wait;
pub mod whoami;

pub use clock::{Clock, Hold};
pub use deadline::{Deadline, Over};
pub use environment::{
    Capability, Collected, Disturbance, Endpoints, Environment, EnvironmentName, InterceptSpec, Missing,
    Selection,
};
pub use event::{Counts, Event, EventReceiver, Events, Outcome};
pub use explain::{BoxError, Class, Explain};
pub use process::{Answer, Call, Exit, Process, ProcessError, ProcessSpec};
pub use run::{Run, RunError, RunOptions, StepError};
pub use run_dir::RunDir;
pub use run_id::RunId;
pub use signal::{Level, Signals};
pub use sweep::{SweepError, SweepOptions, SweepReport, sweep};
pub use undo::{Deed, Undo, UndoError, UndoFailure, UndoId, UndoLeft, UndoReport};
pub use wait::{Probe, WaitError};
pub use whoami::Whoami;
