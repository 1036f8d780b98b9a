//! What has to be done to undo something, as data: another process can do it after this one was killed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::millis;
use crate::run_id::RunId;
use crate::text::shell;

/// One deed. Doing it twice, or when nothing is there any more, is fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// Stop a supervised process and its group.
    Process {
        /// The run that it carries in its environment.
        run: RunId,
        /// Its name in the run.
        name: String,
    },
    /// Remove a file or folder.
    Remove {
        /// Absolute path.
        path: PathBuf,
    },
    /// Run a command that tolerates that there is nothing left to do.
    Command {
        /// The program, looked up on `PATH` unless it has a slash.
        program: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment, besides the few variables that every child gets.
        env: BTreeMap<String, String>,
        /// How long it may take.
        #[serde(rename = "limit_ms", with = "millis")]
        limit: Duration,
    },
}

impl Deed {
    /// Runs a command with an empty environment of its own.
    pub fn command<A: Into<String>>(
        program: impl Into<PathBuf>,
        args: impl IntoIterator<Item = A>,
        limit: Duration,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self::Command {
            program: program.into(),
            args,
            env: BTreeMap::new(),
            limit,
        }
    }
}

impl fmt::Display for Deed {
    /// What a person would do by hand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { name, .. } => write!(f, "stop {name}"),
            Self::Remove { path } => {
                write!(f, "{}", shell("rm".as_ref(), ["-rf".as_ref(), path.as_os_str()]))
            }
            Self::Command { program, args, .. } => f.write_str(&shell(program.as_os_str(), args)),
        }
    }
}
