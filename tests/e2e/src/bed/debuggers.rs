//! The debuggers of a run.

use std::time::Duration;

use debugger::{DebugError, Prepared, Tool};
use testbed::Run;

/// How long one may take to be started and greeted.
const START: Duration = Duration::from_secs(30);

/// Debuggers, each with a number of its own, and perhaps one that waits for what is played next: it comes up while the one before
/// it holds its process, when there is little else to do.
#[derive(Debug, Default)]
pub struct Debuggers {
    /// Whether what is played next needs one.
    pub one_more: bool,
    started: u32,
    waiting: Option<Prepared>,
}

impl Debuggers {
    /// The one that waits, or a new one.
    ///
    /// # Errors
    /// It can't be started.
    pub async fn take(&mut self, run: &Run, tool: &Tool) -> Result<Prepared, DebugError> {
        match self.waiting.take() {
            Some(waiting) => Ok(waiting),
            None => self.start(run, tool).await,
        }
    }

    /// Starts the one for what is played next, if that needs one. That it can't be started is told then, and not to who is at play.
    pub async fn prepare(&mut self, run: &Run, tool: &Tool) {
        if self.one_more && self.waiting.is_none() {
            self.waiting = self.start(run, tool).await.ok();
        }
    }

    async fn start(&mut self, run: &Run, tool: &Tool) -> Result<Prepared, DebugError> {
        self.started += 1;
        // By its name, what it starts is told from what others start.
        let name = format!("debugger-{}", self.started);
        Prepared::start(run, tool, &name, &run.deadline(START)).await
    }
}
