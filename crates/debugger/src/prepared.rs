//! A debugger that is started before there is anything for it to do.

use testbed::{Deadline, Run};

use crate::dap::Dap;
use crate::error::DebugError;
use crate::mi::Mi;
use crate::session::Session;
use crate::target::Launch;
use crate::tool::Tool;

/// A debugger without a program yet. It takes LLDB as long to come up as to begin with a program: whoever knows that there will be
/// one can have that go on beside something else. gdb is started with its program, and costs nothing before.
#[derive(Debug)]
pub struct Prepared(Kind);

#[derive(Debug)]
enum Kind {
    Lldb(Box<Dap>),
    Gdb { tool: Tool, name: String },
}

impl Prepared {
    /// Starts a debugger as the run's child `name`, and does not wait until it has come up.
    ///
    /// # Errors
    /// It can't be started.
    pub async fn start(run: &Run, tool: &Tool, name: &str, deadline: &Deadline) -> Result<Self, DebugError> {
        Ok(Self(match tool {
            Tool::Lldb(_) => Kind::Lldb(Box::new(Dap::start(run, tool, name, deadline).await?)),
            Tool::Gdb(_) => Kind::Gdb {
                tool: tool.clone(),
                name: name.to_owned(),
            },
        }))
    }

    /// Hands it a program, which does not run before [`Session::go`].
    ///
    /// # Errors
    /// It is gone, or refuses the program.
    pub async fn launch(
        self,
        run: &Run,
        launch: &Launch,
        deadline: &Deadline,
    ) -> Result<Session, DebugError> {
        Ok(match self.0 {
            Kind::Lldb(mut dap) => {
                dap.launch(launch, deadline).await?;
                Session::of_lldb(*dap)
            }
            Kind::Gdb { tool, name } => {
                Session::of_gdb(Mi::launch(run, &tool, &name, launch, deadline).await?)
            }
        })
    }

    /// Attaches it to a running process, which stands still until [`Session::go`].
    ///
    /// # Errors
    /// It is gone, or may not attach: see [`tool::cannot_attach`](crate::tool::cannot_attach).
    pub async fn attach(self, run: &Run, pid: u32, deadline: &Deadline) -> Result<Session, DebugError> {
        Ok(match self.0 {
            Kind::Lldb(mut dap) => {
                dap.attach(pid, deadline).await?;
                Session::of_lldb(*dap)
            }
            Kind::Gdb { tool, name } => Session::of_gdb(Mi::attach(run, &tool, &name, pid, deadline).await?),
        })
    }
}
