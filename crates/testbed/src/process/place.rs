//! Where the children of a run live: their mark, their log files, and who hears of trouble.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::call::{Answer, Call};
use super::conversation::Conversation;
use super::error::ProcessError;
use super::group::Group;
use super::output::Output;
use super::spec::{Mark, ProcessSpec};
use crate::deadline::Deadline;
use crate::event::Events;
use crate::explain::chain;
use crate::redact;
use crate::run_dir::RunDir;
use crate::text::Took;

/// What every child of a run has in common.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) mark: Mark,
    pub(crate) dir: RunDir,
    pub(crate) events: Events,
    /// Cancelled when grace is to be skipped.
    pub(crate) hurry: CancellationToken,
}

impl Place {
    /// Starts a child with a log file of its name. A second child of the same name continues the file.
    pub(super) fn spawn(&self, spec: &ProcessSpec) -> Result<Group, ProcessError> {
        self.spawn_with(spec, Stdio::null(), |_| Ok(()))
            .map(|(group, ())| group)
    }

    /// As [`Place::spawn`], for a child that is talked to: only what it prints on stderr is logged.
    pub(super) fn converse(&self, spec: &ProcessSpec) -> Result<(Group, Conversation), ProcessError> {
        self.spawn_with(spec, Stdio::piped(), Conversation::taken)
    }

    /// Starts a child; `take` gets it before its output is drained.
    fn spawn_with<T>(
        &self,
        spec: &ProcessSpec,
        stdin: Stdio,
        take: impl FnOnce(&mut Child) -> io::Result<T>,
    ) -> Result<(Group, T), ProcessError> {
        let log = self.dir.log(&spec.name);
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|source| ProcessError::Log {
                name: spec.name.clone(),
                path: log.clone(),
                source,
            })?;
        let mut child = spec
            .command(Some(&self.mark))
            .stdin(stdin)
            .spawn()
            .map_err(|error| explained(spec, error))?;
        let taken = take(&mut child);
        // A file system that is full already is reported with the first line of output.
        let _ = writeln!(file, "--- pid {}: {}", child.id(), spec.command_line());
        let told = spec.told.then(|| spec.name.clone());
        let output = Arc::new(Output::new(log, file, self.events.clone(), told));
        // Adopted first, so that a child that nobody can talk to is killed.
        let group = Group::adopt(spec.name.clone(), child, spec.grace, output);
        group
            .and_then(|group| Ok((group, taken?)))
            .map_err(|source| ProcessError::Start {
                name: spec.name.clone(),
                command: spec.command_line(),
                source,
            })
    }

    /// Runs a program to its end with the run's mark, and appends what it said to a log file of its name.
    pub(crate) async fn call(&self, call: &Call, deadline: &Deadline) -> Result<Answer, ProcessError> {
        let answer = call.clone().marked(&self.mark).run(deadline).await;
        let log = self.dir.log(call.name());
        if let Err(error) = record(&log, call, &answer) {
            let text = format!("cannot write {}: {error}", log.display());
            self.events
                .warn(text, Some("free space on that file system".to_owned()));
        }
        answer
    }
}

fn record(log: &Path, call: &Call, answer: &Result<Answer, ProcessError>) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open(log)?;
    writeln!(file, "--- {}", redact::text(&call.command_line()))?;
    match answer {
        Ok(answer) => {
            let said = String::from_utf8_lossy(call.to_be_kept(answer));
            file.write_all(redact::text(&said).as_bytes())?;
            file.write_all(answer.stderr.as_bytes())?;
            writeln!(file, "--- {} after {}", answer.exit, Took(answer.took))
        }
        Err(error) => writeln!(file, "--- {}", chain(error)),
    }
}

/// Says which of the things that can be missing is missing.
pub(super) fn explained(spec: &ProcessSpec, source: io::Error) -> ProcessError {
    let (name, command) = (spec.name.clone(), spec.command_line());
    let program = spec.program().to_owned();
    match (source.kind(), spec.start_dir()) {
        (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Some(dir)) if !dir.is_dir() => {
            ProcessError::NoFolder {
                name,
                dir: dir.to_owned(),
            }
        }
        // A script whose interpreter is missing is "not found" too, although it is there.
        (io::ErrorKind::NotFound, _) if !program.is_file() => ProcessError::NotFound {
            name,
            command,
            program,
        },
        (io::ErrorKind::PermissionDenied, _) => ProcessError::NotExecutable {
            name,
            command,
            program,
        },
        _ => ProcessError::Start {
            name,
            command,
            source,
        },
    }
}
