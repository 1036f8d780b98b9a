//! Programs that are run once, to their end: what they were given, what they answered, and a limit.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::error::ProcessError;
use super::exit::Exit;
use super::place::explained;
use super::spec::{Mark, ProcessSpec};
use crate::deadline::{Deadline, Over};
use crate::redact;

/// How much of each output is kept. More is read, so that the program does not stand still, and dropped.
const OUTPUT_BYTES: usize = 64 * 1024 * 1024;
/// How long output may still come in after the program's end; what it started may hold the pipe for ever.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How many lines of output an error shows.
const TAIL_LINES: usize = 20;

/// A program to run once. Nothing of it is left when the call is over its deadline or dropped: its whole process group
/// is killed. A program that ends by itself may leave others behind, as one that starts a daemon does on purpose.
///
/// On its own it is on no undo stack: for short work that is harmless when it is cut off. In a run, use
/// [`Run::call`](crate::Run::call): what a killed runner was calling is then found and ended by whoever cleans up.
#[derive(Debug, Clone)]
pub struct Call {
    spec: ProcessSpec,
    input: Input,
    mark: Option<Mark>,
    discreet: bool,
}

#[derive(Debug, Clone)]
enum Input {
    Nothing,
    Bytes(Arc<[u8]>),
    OutputOf(Box<ProcessSpec>),
}

/// How a program that was run once ended, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its name.
    pub name: String,
    /// Its command line.
    pub command: String,
    /// How it ended.
    pub exit: Exit,
    /// What it printed on stdout.
    pub stdout: Vec<u8>,
    /// What it printed on stderr, which is for people and ends up in errors, events and reports: secrets are redacted, invalid
    /// UTF-8 is replaced.
    pub stderr: String,
    /// From its start to its end.
    pub took: Duration,
}

impl Answer {
    /// Its stdout as text, without the white space around it; invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }

    /// The same, if the program returned 0.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] with the last lines of stderr.
    pub fn success(self) -> Result<Self, ProcessError> {
        if self.exit.success() {
            return Ok(self);
        }
        let tail = tail(&self.stderr);
        Err(ProcessError::Failed {
            name: self.name,
            command: self.command,
            exit: self.exit,
            tail,
        })
    }
}

impl Call {
    /// Runs this program without input.
    #[must_use]
    pub const fn new(spec: ProcessSpec) -> Self {
        Self {
            spec,
            input: Input::Nothing,
            mark: None,
            discreet: false,
        }
    }

    /// Gives it these bytes on stdin.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.input = Input::Bytes(bytes.into());
        self
    }

    /// Gives it on stdin what another program prints on stdout: `other | this`. The other one has to succeed too.
    #[must_use]
    pub fn input_from(mut self, other: ProcessSpec) -> Self {
        self.input = Input::OutputOf(Box::new(other));
        self
    }

    /// Keeps what it prints on stdout out of the run's logs when it succeeds: there may be secrets in it.
    #[must_use]
    pub const fn discreet(mut self) -> Self {
        self.discreet = true;
        self
    }

    /// What of an answer's stdout may be kept in a log.
    pub(super) fn to_be_kept<'a>(&self, answer: &'a Answer) -> &'a [u8] {
        if self.discreet && answer.exit.success() {
            return &[];
        }
        &answer.stdout
    }

    /// Lets the programs carry a run's mark.
    pub(super) fn marked(mut self, mark: &Mark) -> Self {
        self.mark = Some(mark.clone());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.spec.name()
    }

    /// The command line, ready to be pasted into a shell.
    #[must_use]
    pub fn command_line(&self) -> String {
        match &self.input {
            Input::OutputOf(other) => format!("{} | {}", other.command_line(), self.spec.command_line()),
            Input::Nothing | Input::Bytes(_) => self.spec.command_line(),
        }
    }

    /// Runs it to its end, whatever its exit code.
    ///
    /// # Errors
    /// It can't be started, or the deadline was over first; or the program that feeds it failed.
    pub async fn run(&self, deadline: &Deadline) -> Result<Answer, ProcessError> {
        // Ten kilobytes of state machine: on the heap, or callers that wrap it a few times overflow their stacks.
        Box::pin(self.run_to_end(deadline)).await
    }

    async fn run_to_end(&self, deadline: &Deadline) -> Result<Answer, ProcessError> {
        let begun = Instant::now();
        let mut feeder = None;
        let mut bytes = None;
        let input = match &self.input {
            Input::Nothing => Stdio::null(),
            Input::Bytes(given) => {
                bytes = Some(Arc::clone(given));
                Stdio::piped()
            }
            Input::OutputOf(other) => {
                let mut started = Started::new(other, Stdio::null(), self.mark.as_ref())?;
                let output = started.child.stdout.take().map(TryInto::try_into);
                feeder = Some(started);
                output
                    .transpose()
                    .map_err(|error| explained(other, error))?
                    .unwrap_or_else(Stdio::null)
            }
        };
        let main = Started::new(&self.spec, input, self.mark.as_ref())?;
        let both = async {
            let feeding = async {
                match feeder {
                    Some(feeder) => feeder.finish(None, begun).await.map(Some),
                    None => Ok(None),
                }
            };
            tokio::join!(main.finish(bytes, begun), feeding)
        };
        let (answer, fed) = deadline
            .bound(both)
            .await
            .map_err(|over| self.cut_off(over, deadline))?;
        // A feeder that breaks off makes the other one complain about its input: the first cause counts.
        if let Some(fed) = fed? {
            let broken_pipe = fed.exit == Exit::Signal(Signal::PIPE.as_raw());
            if !(broken_pipe && answer.as_ref().is_ok_and(|answer| !answer.exit.success())) {
                fed.success()?;
            }
        }
        answer
    }

    fn cut_off(&self, over: Over, deadline: &Deadline) -> ProcessError {
        let name = self.spec.name().to_owned();
        match over {
            Over::Cancelled => ProcessError::Interrupted { name },
            Over::Elapsed => ProcessError::TookTooLong {
                name,
                command: self.command_line(),
                limit: deadline.limit(),
                tail: Vec::new(),
            },
        }
    }
}

/// A started program whose group is killed when this is dropped before its end.
struct Started {
    spec: ProcessSpec,
    child: Child,
    group: Option<Pid>,
}

impl Started {
    fn new(spec: &ProcessSpec, input: Stdio, mark: Option<&Mark>) -> Result<Self, ProcessError> {
        let mut command = Command::from(spec.command(mark));
        let child = command
            .stdin(input)
            .spawn()
            .map_err(|error| explained(spec, error))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            spec: spec.clone(),
            child,
            group,
        })
    }

    async fn finish(mut self, bytes: Option<Arc<[u8]>>, begun: Instant) -> Result<Answer, ProcessError> {
        let (stdin, stdout, stderr) = (
            self.child.stdin.take(),
            self.child.stdout.take(),
            self.child.stderr.take(),
        );
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = {
            let write = async {
                if let (Some(mut stdin), Some(bytes)) = (stdin, bytes) {
                    // A program that does not want its input says so by its exit code.
                    let _ = stdin.write_all(&bytes).await;
                    let _ = stdin.shutdown().await;
                }
            };
            let talk = async { tokio::join!(write, read(stdout, &mut out), read(stderr, &mut err)) };
            let mut talk = std::pin::pin!(talk);
            tokio::select! {
                _ = &mut talk => self.child.wait().await,
                status = self.child.wait() => {
                    let _ = tokio::time::timeout(LAST_WORDS, talk).await;
                    status
                }
            }
        };
        let exit = Exit::from(status.map_err(|error| explained(&self.spec, error))?);
        // Reaped: the number may be somebody else's from here on.
        self.group = None;
        Ok(Answer {
            name: self.spec.name().to_owned(),
            command: self.spec.command_line(),
            exit,
            stdout: out,
            stderr: redact::text(&String::from_utf8_lossy(&err)),
            took: begun.elapsed(),
        })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Gone already is fine, and nobody is left to tell about anything else.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> io::Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        let room = OUTPUT_BYTES.saturating_sub(into.len());
        into.extend_from_slice(&chunk[..read.min(room)]);
    }
}

/// The last lines that are not empty.
fn tail(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

#[cfg(test)]
mod tests;
