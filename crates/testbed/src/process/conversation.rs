//! A child that is talked to over its standard streams, as debug adapters and language servers are.

use std::io;
use std::process::Child;

use tokio::process::{ChildStdin, ChildStdout};

/// Our ends of a supervised child's stdin and stdout. What it prints on stderr goes into its log as usual.
#[derive(Debug)]
pub struct Conversation {
    /// What is written here, the child reads. Dropping it is the end of its input.
    pub stdin: ChildStdin,
    /// What the child writes; it has to be read, or the child stands still.
    pub stdout: ChildStdout,
}

impl Conversation {
    /// Takes the streams of a child that was started with both of them piped.
    pub(super) fn taken(child: &mut Child) -> io::Result<Self> {
        let missing = || io::Error::other("a standard stream is not piped");
        Ok(Self {
            stdin: ChildStdin::from_std(child.stdin.take().ok_or_else(missing)?)?,
            stdout: ChildStdout::from_std(child.stdout.take().ok_or_else(missing)?)?,
        })
    }
}
