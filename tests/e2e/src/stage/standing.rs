//! An intercept that stays from one scenario to the next. To make one and to leave it takes as long as everything else that a
//! short scenario does, and what it is worth shows in the proof, which is given anew for every process.

use testbed::Capability;
use testbed::environment::{InterceptSpec, Selection};

use super::{Stage, StageError};
use crate::proof::Prover;
use crate::scenario::Fault;
use crate::scenario::topology::ORDER;
use crate::switch::{self, SWITCH_LIMIT};

impl Stage<'_> {
    /// Ends the intercept that a scenario before this one has left, when this one, by its needs, is about how intercepts come and
    /// go, or about what they rely on.
    ///
    /// # Errors
    /// When the environment refuses.
    pub(super) async fn begin_without(&mut self, needs: &[Capability]) -> Result<(), StageError> {
        const ABOUT_INTERCEPTS: [Capability; 3] =
            [Capability::Connection, Capability::Arrange, Capability::Mishaps];
        if needs.iter().any(|need| ABOUT_INTERCEPTS.contains(need)) {
            self.release().await?;
        }
        Ok(())
    }

    /// Makes the intercept, unless the same one is there, and answers with what its process is to be proven: while it stands,
    /// nothing else has changed.
    pub(super) async fn take_over(&mut self, spec: InterceptSpec) -> Result<Prover, StageError> {
        if self.bed.intercepted.as_ref() == Some(&spec) {
            return Ok(self.bed.prover.of_one_process());
        }
        self.release().await?;
        // Whatever comes of it, there may be one.
        self.bed.intercepted = Some(spec.clone());
        switch::intercept(self.bed, &spec).await?;
        Ok(self.bed.prover.clone())
    }

    /// Leaves the intercept, if there is one.
    ///
    /// # Errors
    /// When the environment refuses.
    pub async fn release(&mut self) -> Result<(), StageError> {
        if self.bed.intercepted.is_none() {
            return Ok(());
        }
        let run = self.bed.run.clone();
        run.step("leave", SWITCH_LIMIT, self.bed.environment.leave(&run, ORDER))
            .await?;
        self.bed.intercepted = None;
        Ok(())
    }

    /// Whether nothing has happened in this scenario that could show in the next one: the process that the intercept leads to was
    /// there to the end, and so was all that lies between. One with a header is for one scenario.
    pub(super) fn may_stand(&self) -> bool {
        self.workstation.is_some()
            && self.selection == Selection::All
            && !self.befallen
            && !self.broken_by(Fault::DebuggerKilled)
    }
}

#[cfg(test)]
mod tests;
