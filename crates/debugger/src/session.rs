//! One debugger at work on one program, whichever debugger it is.

use testbed::{Deadline, Exit, Process, Run};
use tokio::sync::watch;

use crate::dap::Dap;
use crate::error::DebugError;
use crate::mi::Mi;
use crate::prepared::{Kind, Prepared};
use crate::target::{Breakpoint, Launch, Stop};
use crate::tool::Tool;

/// A debugger with a program in its hands. Dropping it changes nothing: its process belongs to the run's undo stack.
///
/// ```no_run
/// # async fn example(run: &testbed::Run, deadline: &testbed::Deadline) -> Result<(), testbed::BoxError> {
/// use debugger::{Breakpoint, Launch, Session, Tool};
///
/// let tool = Tool::find(|key| std::env::var_os(key))?;
/// let mut session = Session::launch(run, &tool, "debugger", &Launch::new("target/debug/order-service"), deadline).await?;
/// let there = Breakpoint::at_marker("services/order/src/process_order.rs".as_ref(), "// breakpoint:")?;
/// session.break_at(&there, deadline).await?;
/// session.go(deadline).await?;
/// let stop = session.stopped(deadline).await?;
/// println!("{}", session.text(&stop, "customer_id", deadline).await?);
/// session.clear(deadline).await?;
/// session.resume(&stop, deadline).await?;
/// session.kill(deadline).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Session {
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Dap(Box<Dap>),
    Mi(Box<Mi>),
}

/// Calls the method of the same name on whichever backend it is.
macro_rules! either {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &mut $self.backend {
            Backend::Dap(dap) => dap.$method($($argument),*).await,
            Backend::Mi(mi) => mi.$method($($argument),*).await,
        }
    };
}

impl Session {
    /// Starts a debugger as the run's child `name` and hands it a program, which does not run before [`Session::go`].
    ///
    /// # Errors
    /// The debugger can't be started, or refuses the program.
    pub async fn launch(
        run: &Run,
        tool: &Tool,
        name: &str,
        launch: &Launch,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        let prepared = Prepared::start(run, tool, name, deadline).await?;
        Self::launch_with(prepared, run, launch, deadline).await
    }

    /// Starts a debugger as the run's child `name` and attaches it to a running process, which stands still until
    /// [`Session::go`].
    ///
    /// # Errors
    /// The debugger can't be started, or may not attach: see [`tool::cannot_attach`](crate::tool::cannot_attach).
    pub async fn attach(
        run: &Run,
        tool: &Tool,
        name: &str,
        pid: u32,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        let prepared = Prepared::start(run, tool, name, deadline).await?;
        Self::attach_with(prepared, run, pid, deadline).await
    }

    /// As [`Session::launch`], with a debugger that was started before.
    ///
    /// # Errors
    /// It is gone, or refuses the program.
    pub async fn launch_with(
        prepared: Prepared,
        run: &Run,
        launch: &Launch,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        let backend = match prepared.0 {
            Kind::Lldb(mut dap) => {
                dap.launch(launch, deadline).await?;
                Backend::Dap(dap)
            }
            Kind::Gdb { tool, name } => {
                Backend::Mi(Box::new(Mi::launch(run, &tool, &name, launch, deadline).await?))
            }
        };
        Ok(Self { backend })
    }

    /// As [`Session::attach`], with a debugger that was started before.
    ///
    /// # Errors
    /// It is gone, or may not attach.
    pub async fn attach_with(
        prepared: Prepared,
        run: &Run,
        pid: u32,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        let backend = match prepared.0 {
            Kind::Lldb(mut dap) => {
                dap.attach(pid, deadline).await?;
                Backend::Dap(dap)
            }
            Kind::Gdb { tool, name } => {
                Backend::Mi(Box::new(Mi::attach(run, &tool, &name, pid, deadline).await?))
            }
        };
        Ok(Self { backend })
    }

    /// Sets a breakpoint.
    ///
    /// # Errors
    /// There is no code at that line, or the debugger would take another line.
    pub async fn break_at(&mut self, breakpoint: &Breakpoint, deadline: &Deadline) -> Result<(), DebugError> {
        either!(self.break_at(breakpoint, deadline))
    }

    /// Lets the program run, and answers its pid.
    ///
    /// # Errors
    /// The program can't be started, or its pid is not told in time.
    pub async fn go(&mut self, deadline: &Deadline) -> Result<u32, DebugError> {
        either!(self.go(deadline))
    }

    /// Waits for a line of the program's output, those before this call included. Only a launched program's output comes
    /// this way.
    ///
    /// # Errors
    /// The program or the debugger ended, or the deadline is over.
    pub async fn line<T>(
        &mut self,
        deadline: &Deadline,
        mut matches: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, DebugError> {
        either!(self.line(deadline, &mut matches))
    }

    /// Waits until the program stands at a breakpoint. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// It stopped for another reason, the program or the debugger ended, or the deadline is over.
    pub async fn stopped(&mut self, deadline: &Deadline) -> Result<Stop, DebugError> {
        either!(self.stopped(deadline))
    }

    /// A whole number in the frame where the program stands: a variable, a field, an expression.
    ///
    /// # Errors
    /// There is no such thing, or it is no number.
    pub async fn integer(
        &mut self,
        stop: &Stop,
        expression: &str,
        deadline: &Deadline,
    ) -> Result<i64, DebugError> {
        either!(self.integer(stop, expression, deadline))
    }

    /// A variable of type `&str` in the frame where the program stands. Read as pointer and length, so that no formatters
    /// are needed.
    ///
    /// # Errors
    /// There is no such variable, or it is no text.
    pub async fn text(&mut self, stop: &Stop, name: &str, deadline: &Deadline) -> Result<String, DebugError> {
        either!(self.text(stop, name, deadline))
    }

    /// Takes all breakpoints away. Before [`Session::resume`] this is wise: a line that is several places in the binary
    /// stops the program again at the next one.
    ///
    /// # Errors
    /// The debugger refuses, or is gone.
    pub async fn clear(&mut self, deadline: &Deadline) -> Result<(), DebugError> {
        either!(self.clear(deadline))
    }

    /// Lets the program go on.
    ///
    /// # Errors
    /// The debugger refuses, or is gone.
    pub async fn resume(&mut self, stop: &Stop, deadline: &Deadline) -> Result<(), DebugError> {
        either!(self.resume(stop, deadline))
    }

    /// Leaves the program alone, and ends the debugger. A debugger that is killed instead takes the program with it.
    ///
    /// # Errors
    /// The debugger refuses; it is ended all the same.
    pub async fn detach(mut self, deadline: &Deadline) -> Result<(), DebugError> {
        either!(self.end(false, deadline))
    }

    /// Ends the program at once, and the debugger: what the program has not exported by then is lost.
    ///
    /// # Errors
    /// The debugger refuses; it is ended all the same.
    pub async fn kill(mut self, deadline: &Deadline) -> Result<(), DebugError> {
        either!(self.end(true, deadline))
    }

    /// The debugger's own process.
    #[must_use]
    pub fn process(&self) -> &Process {
        match &self.backend {
            Backend::Dap(dap) => dap.process(),
            Backend::Mi(mi) => mi.process(),
        }
    }

    /// Turns `Some` when the debugger ends.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<Exit>> {
        self.process().watch()
    }
}
