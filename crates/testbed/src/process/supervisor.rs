//! Starts children for a run.

use std::fs::File;
use std::io;
use std::io::Write;
use std::sync::Arc;

use super::Process;
use super::error::ProcessError;
use super::group::Group;
use super::output::Output;
use super::spec::{Mark, ProcessSpec};
use crate::event::Events;
use crate::run_dir::RunDir;
use crate::run_id::RunId;
use crate::undo::{Deed, Undo};

/// Starts the children of one run: own process group, log file and tail, explicit environment, undo entry first.
#[derive(Debug, Clone)]
pub struct Supervisor {
    mark: Mark,
    dir: RunDir,
    events: Events,
    undo: Undo,
}

impl Supervisor {
    pub(crate) fn new(run: &RunId, dir: &RunDir, events: &Events, undo: &Undo) -> Self {
        Self {
            mark: Mark::new(run, dir),
            dir: dir.clone(),
            events: events.clone(),
            undo: undo.clone(),
        }
    }

    /// Starts a child. Its undo entry is written before it exists.
    ///
    /// # Errors
    /// Nothing was started, and nothing is left on the undo stack.
    pub fn start(&self, spec: &ProcessSpec) -> Result<Process, ProcessError> {
        let deed = Deed::Process {
            run: self.mark.run.clone(),
            name: spec.name.clone(),
        };
        let entry = self.undo.push(spec.name.clone(), deed);
        match self.spawn(spec) {
            Ok(group) => {
                let group = Arc::new(group);
                self.undo.started(entry, &group);
                Ok(Process {
                    group,
                    undo: self.undo.clone(),
                    entry,
                })
            }
            Err(error) => {
                self.undo.done(entry);
                Err(error)
            }
        }
    }

    fn spawn(&self, spec: &ProcessSpec) -> Result<Group, ProcessError> {
        let log = self.dir.log(&spec.name);
        let cannot_log = |source| ProcessError::Log {
            name: spec.name.clone(),
            path: self.dir.log(&spec.name),
            source,
        };
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(cannot_log)?;
        let child = spec
            .command(Some(&self.mark))
            .spawn()
            .map_err(|error| explained(spec, error))?;
        // A log that is full already is reported with the first line of output.
        let _ = writeln!(file, "--- pid {}: {}", child.id(), spec.command_line());
        let output = Arc::new(Output::new(log.clone(), file, self.events.clone()));
        Group::adopt(spec.name.clone(), child, log, spec.grace, output).map_err(|source| {
            ProcessError::Start {
                name: spec.name.clone(),
                command: spec.command_line(),
                source,
            }
        })
    }
}

/// Says which of the things that can be missing is missing.
pub(crate) fn explained(spec: &ProcessSpec, source: io::Error) -> ProcessError {
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
