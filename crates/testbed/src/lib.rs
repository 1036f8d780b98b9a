//! Time, processes, signals and undo: the only crate that sleeps, spawns or traps.
//!
//! A [`Run`] owns a directory, a stream of [`Event`]s, an [`Undo`] stack and the [`Process`]es that it started. Everything
//! that takes time takes a [`Deadline`], which Ctrl-C ends; everything that waits uses [`wait::until`]. What has to be
//! undone is on the stack, and in a journal, before it exists: whatever happens to a run, [`Run::finish`] or a later
//! [`sweep()`] leaves nothing behind.
//!
//! ```
//! use std::time::Duration;
//! use testbed::{EnvironmentName, ProcessSpec, Run, RunOptions, Signals};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), testbed::BoxError> {
//! # let folder = tempfile::tempdir()?;
//! # let root = folder.path().to_owned();
//! let signals = Signals::arm()?; // before the first side effect
//! let environment = EnvironmentName::Embedded;
//! let (run, _events) = Run::begin(RunOptions { root, environment, keep: false, signals })?;
//!
//! let spec = ProcessSpec::new("order@cluster", "sh").args(["-c", "echo listening http://127.0.0.1:8080; exec sleep 60"]);
//! let order = run.supervise(spec)?; // already on the undo stack
//! let limit = Duration::from_secs(20);
//! let deadline = run.deadline(limit);
//! let listening = order.line(&deadline, |line| line.strip_prefix("listening ").map(str::to_owned));
//! let url = run.step("order ready", limit, listening).await?;
//! assert_eq!(url, "http://127.0.0.1:8080");
//!
//! assert!(run.finish().await.complete());
//! # Ok(())
//! # }
//! ```

pub mod clock;
pub mod deadline;
pub mod environment;
pub mod event;
pub mod explain;
mod history;
pub mod lease;
pub mod listening;
pub mod process;
mod processes;
pub mod redact;
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
    Accountant, Arrangement, Cannot, Capability, Collected, Disturbance, Endpoints, Environment,
    EnvironmentName, Examination, InterceptSpec, Mishap, Missing, Selection,
};
pub use event::{Counts, Event, EventReceiver, Events, Outcome, RequestSeen, Stamped};
pub use explain::{BoxError, Class, Explain};
pub use lease::{Lease, LeaseError, Leased};
pub use process::{Answer, Call, Conversation, Exit, Process, ProcessError, ProcessSpec};
pub use run::{Run, RunError, RunOptions, StepError};
pub use run_dir::RunDir;
pub use run_id::RunId;
pub use signal::{Level, Signals};
pub use sweep::{SweepError, SweepOptions, SweepReport, sweep};
pub use undo::{Deed, LeftBecause, Undo, UndoError, UndoFailure, UndoId, UndoLeft, UndoReport};
pub use wait::{Probe, WaitError};
pub use whoami::{Tell, Whoami};
