//! A debugger as a child that is talked to: what both protocols have in common.

use std::time::Duration;

use testbed::deadline::Over;
use testbed::{Conversation, Deadline, Process, ProcessSpec, Run};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::error::DebugError;

/// How long a debugger has to end by itself once its input is closed; LLDB's parts need a moment to let go of each other.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
/// How long the end of a debugger that closed its output may take to be seen.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What a debugger said, or why it can't be understood. It says nothing any more after that.
pub(crate) type Said<M> = Result<M, String>;

/// A running debugger whose messages are of type `M`.
#[derive(Debug)]
pub(crate) struct Adapter<M> {
    tool: String,
    process: Process,
    stdin: Option<ChildStdin>,
    said: mpsc::UnboundedReceiver<Said<M>>,
    /// Reads what the debugger says as long as this exists.
    _reader: JoinSet<()>,
}

impl<M: Send + 'static> Adapter<M> {
    /// Starts a debugger; `read` puts what it says into the channel until it ends or can't be understood.
    pub(crate) fn start<F>(
        run: &Run,
        tool: String,
        spec: ProcessSpec,
        read: impl FnOnce(ChildStdout, mpsc::UnboundedSender<Said<M>>) -> F,
    ) -> Result<Self, DebugError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (process, Conversation { stdin, stdout }) = run.converse(spec.grace(GRACE))?;
        let (said_tx, said) = mpsc::unbounded_channel();
        let mut reader = JoinSet::new();
        reader.spawn(read(stdout, said_tx));
        Ok(Self {
            tool,
            process,
            stdin: Some(stdin),
            said,
            _reader: reader,
        })
    }

    pub(crate) fn tool(&self) -> String {
        self.tool.clone()
    }

    pub(crate) const fn process(&self) -> &Process {
        &self.process
    }

    /// Says something to the debugger.
    pub(crate) async fn say(
        &mut self,
        bytes: &[u8],
        doing: &str,
        deadline: &Deadline,
    ) -> Result<(), DebugError> {
        let write = async {
            match &mut self.stdin {
                Some(stdin) => {
                    stdin.write_all(bytes).await?;
                    stdin.flush().await
                }
                None => Err(std::io::ErrorKind::BrokenPipe.into()),
            }
        };
        match deadline.bound(write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.gone(doing).await),
            Err(over) => Err(self.over(over, doing, deadline)),
        }
    }

    /// The next thing that it says. Nothing is lost when this is dropped.
    pub(crate) async fn hear(&mut self, doing: &str, deadline: &Deadline) -> Result<M, DebugError> {
        match deadline.bound(self.said.recv()).await {
            Ok(Some(Ok(message))) => Ok(message),
            Ok(Some(Err(problem))) => Err(self.babble(problem)),
            Ok(None) => Err(self.gone(doing).await),
            Err(over) => Err(self.over(over, doing, deadline)),
        }
    }

    /// Closes its input, lets it end by itself for this long, and makes sure that it is gone. Its exit code says nothing.
    pub(crate) async fn end(&mut self, patience: Duration) -> Result<(), DebugError> {
        self.stdin = None;
        // Ended or not, the next line sees to it.
        let _ = self.process.ended(&Deadline::after(patience)).await;
        self.process.stop(patience).await?;
        Ok(())
    }

    pub(crate) fn babble(&self, problem: impl Into<String>) -> DebugError {
        DebugError::Babble {
            tool: self.tool(),
            problem: problem.into(),
        }
    }

    pub(crate) fn refused(&self, doing: &str, message: Option<String>) -> DebugError {
        DebugError::Refused {
            tool: self.tool(),
            doing: doing.to_owned(),
            message: message.unwrap_or_else(|| "without a reason".to_owned()),
        }
    }

    async fn gone(&self, doing: &str) -> DebugError {
        DebugError::Gone {
            tool: self.tool(),
            doing: doing.to_owned(),
            exit: self.process.ended(&Deadline::after(LAST_LOOK)).await.ok(),
            last_words: self.process.tail().pop(),
        }
    }

    fn over(&self, over: Over, doing: &str, deadline: &Deadline) -> DebugError {
        let (tool, doing) = (self.tool(), doing.to_owned());
        match over {
            Over::Elapsed => DebugError::Silent {
                tool,
                doing,
                waited: deadline.elapsed(),
            },
            Over::Cancelled => DebugError::Interrupted { tool, doing },
        }
    }
}
