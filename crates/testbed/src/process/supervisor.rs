//! Starts children for a run.

use std::sync::Arc;

use super::Process;
use super::call::{Answer, Call};
use super::conversation::Conversation;
use super::error::ProcessError;
use super::group::Group;
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
        self.recorded(spec, |place| Ok((place.spawn(spec)?, ())))
            .map(|(process, ())| process)
    }

    /// As [`Supervisor::start`], for a child that is talked to over its standard streams.
    ///
    /// # Errors
    /// As [`Supervisor::start`].
    pub fn converse(&self, spec: &ProcessSpec) -> Result<(Process, Conversation), ProcessError> {
        self.recorded(spec, |place| place.converse(spec))
    }

    /// Starts a child whose undo entry is written before, and taken back when there is no child.
    fn recorded<T>(
        &self,
        spec: &ProcessSpec,
        start: impl FnOnce(&Place) -> Result<(Group, T), ProcessError>,
    ) -> Result<(Process, T), ProcessError> {
        let entry = self.push(&spec.name);
        match start(&self.place) {
            Ok((group, extra)) => {
                let group = Arc::new(group);
                self.undo.started(entry, &group);
                let undo = self.undo.clone();
                Ok((Process { group, undo, entry }, extra))
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
