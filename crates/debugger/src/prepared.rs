//! A debugger that is started before there is anything for it to do.

use testbed::{Deadline, Run};

use crate::dap::Dap;
use crate::error::DebugError;
use crate::tool::Tool;

/// A debugger without a program yet. It takes LLDB as long to come up as to begin with a program: whoever knows that there will be
/// one can have that go on beside something else. gdb is started with its program, and costs nothing before.
#[derive(Debug)]
pub struct Prepared(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
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
}
