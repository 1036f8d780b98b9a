//! The walkthrough's breakpoint: where it is, with which debugger, and what came of an order that ran into it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use debugger::{Breakpoint, DebugError, Tool, ToolError, tool};
use serde::Serialize;
use testbed::{Capability, EnvironmentName};
use trace::UnixNanos;

/// The marker of the line in `process_order` that is made to be stopped at.
const MARKER: &str = "// breakpoint:";
/// True of no order.
pub const NEVER: &str = "quantity > 1000000";

/// The debugger of this machine.
///
/// # Errors
/// There is none, or not the one that the user named.
pub fn debugger() -> Result<Tool, ToolError> {
    Tool::find(|name| std::env::var_os(name))
}

/// Why this machine can't do what a scenario with a debugger needs; `None` when it can, or when no debugger is needed.
#[must_use]
pub fn lacking(capability: Capability) -> Option<String> {
    match capability {
        Capability::Debugger => debugger().err().map(|error| error.to_string()),
        Capability::AttachDebugger => tool::cannot_attach(),
        _ => None,
    }
}

/// The line in `process_order`. The service was built from the checkout that this program was built from.
///
/// # Errors
/// The source is not there any more, or has lost its marker.
pub fn in_process_order() -> std::io::Result<Breakpoint> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services/order/src/process_order.rs");
    Breakpoint::at_marker(&source.canonicalize()?, MARKER)
}

/// The variable by which a process makes its open spans visible, in the form that suits the environment's store: the embedded
/// one lets the finished span take the record's place, Jaeger keeps both and gets a child of the open span.
#[must_use]
pub const fn open_spans(environment: EnvironmentName) -> (&'static str, &'static str) {
    let form = match environment {
        EnvironmentName::Embedded => "same-id",
        EnvironmentName::Containers | EnvironmentName::Kind | EnvironmentName::Context => "child",
    };
    ("THROUGHLINE_OPEN_SPANS", form)
}

/// What came of an order that should run into a breakpoint.
#[derive(Debug)]
pub enum Visit {
    /// It stood there, and went on.
    Paused(Pause),
    /// It was answered, and nothing stopped.
    NeverStopped,
    /// The debugger ended while it held the process.
    DebuggerGone(DebugError),
}

/// A process that stood at a breakpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Pause {
    /// Where it stood, as the debugger says: file name and line.
    pub at: String,
    /// The function, as the debugger says.
    pub function: String,
    /// `customer_id` in the frame.
    pub customer_id: String,
    /// When the stop was heard of.
    pub from: UnixNanos,
    /// From hearing of the stop to asking for it to go on. A span around the breakpoint is at least as long.
    pub held: Duration,
    /// The trace as Jaeger showed it meanwhile, once it had an open span of the function; `None` when it never had.
    pub open: Option<trace::Trace>,
    /// How much of that the run's own limits counted: next to nothing.
    pub counted: Duration,
}

/// Where and how long a process stood, for a picture of its trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standstill {
    /// File name and line.
    pub at: String,
    /// When it was heard of.
    pub from: UnixNanos,
    /// How long it is known to have lasted.
    pub held: Duration,
}

impl Pause {
    /// Where it stood, and how long.
    #[must_use]
    pub fn standstill(&self) -> Standstill {
        Standstill {
            at: self.at.clone(),
            from: self.from,
            held: self.held,
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "stopped at {} with customer_id = {}, held for {} ms; the run's limits counted {} ms of it",
            self.at,
            self.customer_id,
            self.held.as_millis(),
            self.counted.as_millis()
        )
    }
}
