//! Mishaps, how long it takes until it works again, and what callers see meanwhile.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;
use testbed::wait;
use testbed::{Arrangement, Mishap, Selection};
use tokio_util::sync::CancellationToken;

use super::expect::pass;
use super::{PROOF_LIMIT, SILENT, SWITCH_LIMIT, Stage, StageError};
use crate::proof::{Answerer, Callers};
use crate::scenario::Fault;
use crate::scenario::topology::ORDER;

/// How long callers are watched at most: a mishap may have to happen, a connection to be made, a proof to be given.
const WATCH_LIMIT: Duration = Duration::from_secs(240);

/// How long it took until it worked as it should.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recovery {
    /// What it is counted from: "the pods of order-service were deleted".
    pub after: String,
    /// What was proven at the end: "the workstation's process, pid 42 answers".
    pub until: String,
    /// In milliseconds.
    pub took_ms: f64,
    /// What callers saw between the two.
    pub callers: Callers,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Callers { asked, unanswered } = self.callers;
        write!(
            f,
            "{:.1} s after {} {}; {unanswered} of {asked} callers had no answer meanwhile",
            self.took_ms / 1e3,
            self.after,
            self.until
        )
    }
}

impl Stage<'_> {
    /// Intercepts, and sees what callers see until it is proven.
    ///
    /// # Errors
    /// As [`Stage::intercept`].
    pub async fn intercept_watched(&mut self, selection: Selection) -> Result<(), StageError> {
        let after = "the intercept was asked for".to_owned();
        self.watched(after, async |stage: &mut Self| {
            stage.intercept(selection).await?;
            Ok(!stage.broken_by(Fault::NoIntercept))
        })
        .await
    }

    /// Lets a mishap befall order-service or its intercept.
    ///
    /// # Errors
    /// When the environment can't.
    async fn befall(&mut self, mishap: Mishap) -> Result<(), StageError> {
        let run = self.bed.run.clone();
        self.befallen = true;
        if mishap == Mishap::ConnectionKilled {
            self.bed.connected = false;
            self.lost = true;
        }
        self.bed.environment.befall(&run, ORDER, mishap).await?;
        Ok(())
    }

    /// Lets a mishap befall the intercept, does what a person would do about it, and proves that requests reach the process on
    /// the workstation again.
    ///
    /// # Errors
    /// When the mishap can't be caused, or requests don't arrive again.
    pub async fn survive(&mut self, mishap: Mishap) -> Result<(), StageError> {
        let process = self
            .workstation
            .as_ref()
            .ok_or(StageError::Order("an intercept"))?;
        let here = Answerer::Workstation { pid: process.pid() };
        let after = match mishap {
            Mishap::PodsDeleted => format!("the pods of {ORDER} were deleted"),
            Mishap::ConnectionKilled => "the connection was killed".to_owned(),
        };
        self.watched(after, async |stage: &mut Self| {
            if stage.broken_by(Fault::PodStaysAway) {
                stage.rearrange(Arrangement::NoReplica).await?;
                stage.nobody_answers().await?;
                return Ok(false);
            }
            stage.befall(mishap).await?;
            if stage.broken_by(Fault::NotReconnected) {
                return Ok(false);
            }
            if mishap == Mishap::ConnectionKilled {
                stage.connect().await?;
            }
            stage.prove(here, None).await?;
            Ok(true)
        })
        .await
    }

    /// Watches callers while something is done, and notes how long it took when it came to a good end.
    async fn watched(
        &mut self,
        after: String,
        work: impl AsyncFnOnce(&mut Self) -> Result<bool, StageError>,
    ) -> Result<(), StageError> {
        let (prover, deadline) = (self.bed.prover.clone(), self.bed.run.deadline(WATCH_LIMIT));
        let stop = CancellationToken::new();
        let begun = Instant::now();
        let working = async {
            let worked = work(self).await;
            stop.cancel();
            (worked, begun.elapsed())
        };
        let (callers, (worked, took)) = tokio::join!(prover.watch(&deadline, &stop), working);
        if !worked? {
            return Ok(());
        }
        let proven = self.shown.proofs.last();
        let recovery = Recovery {
            after,
            until: proven.map_or_else(String::new, |proof| proof.claim.clone()),
            took_ms: took.as_secs_f64() * 1e3,
            callers: callers?,
        };
        self.fact("recovery", pass(recovery.to_string()));
        self.shown.recoveries.push(recovery);
        Ok(())
    }

    async fn nobody_answers(&self) -> Result<(), StageError> {
        let deadline = self.bed.run.deadline(PROOF_LIMIT.max(SWITCH_LIMIT));
        let prover = self.bed.prover.within(SILENT);
        wait::until(&deadline, "the last answer", || prover.nobody()).await?;
        Ok(())
    }
}
