//! Starts children for a run.

use std::sync::Arc;

use super::Process;
use super::call::{Answer, Call};
use super::error::ProcessError;
use super::place::Place;
use super::spec::ProcessSpec;
use crate::deadline::Deadline;
use crate::undo::{Deed, Undo, UndoId};

/// Starts the children of one run: own process group, log file and tail, explicit environment, undo entry first.
#[derive(Debug, Clone)]
pub struct Supervisor {
    place: Place,
    undo: Undo,
}

impl Supervisor {
    pub(crate) const fn new(place: Place, undo: Undo) -> Self {
        Self { place, undo }
    }

    /// Starts a child that stays. Its undo entry is written before it exists.
    ///
    /// # Errors
    /// Nothing was started, and nothing is left on the undo stack.
    pub fn start(&self, spec: &ProcessSpec) -> Result<Process, ProcessError> {
        let entry = self.push(&spec.name);
        match self.place.spawn(spec) {
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

    /// Runs a program to its end, see [`Call`]. What it said is appended to a log file of its name. It carries the run's
    /// mark and is on the undo stack meanwhile, so that nothing of it outlives a killed runner unseen.
    ///
    /// # Errors
    /// As [`Call::run`].
    pub async fn call(&self, call: &Call, deadline: &Deadline) -> Result<Answer, ProcessError> {
        let entry = self.push(call.name());
        let answer = self.place.call(call, deadline).await;
        self.undo.done(entry);
        answer
    }

    fn push(&self, name: &str) -> UndoId {
        let deed = Deed::Process {
            run: self.place.mark.run.clone(),
            name: name.to_owned(),
        };
        self.undo.push(name, deed)
    }
}
