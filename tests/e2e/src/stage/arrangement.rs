//! Workloads that are set up in another way, and which of their pods answers.

use std::time::Duration;

use testbed::explain::chain;
use testbed::wait::Probe;
use testbed::{Arrangement, Capability, Selection, Whoami};

use super::expect::{fact_fails, pass};
use super::{PROOF_LIMIT, Stage, StageError};
use crate::proof::{Answerer, until_proven};
use crate::scenario::Fault;
use crate::scenario::topology::ORDER;

impl Stage<'_> {
    /// Sets order-service up in this way; in a twin it may have been intercepted before.
    ///
    /// # Errors
    /// When the environment can't.
    pub async fn arrange(&mut self, arrangement: Arrangement) -> Result<(), StageError> {
        if !self.broken_by(Fault::InterceptedBefore) {
            return self.rearrange(arrangement).await;
        }
        self.restore(&[]).await?;
        self.intercept(Selection::All).await?;
        self.release().await?;
        self.stop_workstation().await.map(drop)
    }

    /// Sets order-service up as it was deployed, unless it is. A scenario that arranges it anew need not.
    ///
    /// # Errors
    /// When the environment can't.
    pub async fn restore(&mut self, needs: &[Capability]) -> Result<(), StageError> {
        let as_deployed = self.bed.arrangement.is_some_and(Arrangement::is_as_deployed);
        if as_deployed || needs.contains(&Capability::Arrange) {
            return Ok(());
        }
        self.release().await?;
        self.rearrange(Arrangement::Deployed).await
    }

    /// Sets order-service up in this way, in a twin as otherwise, and proves that nobody answers any more who did before.
    ///
    /// # Errors
    /// When the environment can't, or the data plane does not show it.
    pub async fn rearrange(&mut self, arrangement: Arrangement) -> Result<(), StageError> {
        let run = self.bed.run.clone();
        // Whatever comes of it, it is no longer what it was.
        self.befallen = true;
        self.bed.arrangement = None;
        self.bed.environment.arrange(&run, ORDER, arrangement).await?;
        self.bed.arrangement = Some(arrangement);
        if arrangement == Arrangement::NoReplica {
            return Ok(());
        }
        // A pod that is ending is still sent requests for a moment, and its agent refuses them.
        let (environment, prover) = (&self.bed.environment, &self.bed.prover);
        let deadline = run.deadline(PROOF_LIMIT + Duration::from_secs(1));
        let claim = format!("only {ORDER}'s present processes answer");
        let proven = until_proven(&deadline, &claim, || async {
            match environment.instances(ORDER).await {
                Err(error) => Probe::NotYet(chain(error.as_ref())),
                Ok(ids) => prover.answers(&Answerer::Instances { ids }, None).await,
            }
        });
        run.step(&format!("proof: {claim}"), PROOF_LIMIT, proven).await?;
        Ok(())
    }

    /// The process in the cluster that answers for order-service.
    ///
    /// # Errors
    /// When the data plane does not show one.
    pub async fn who_serves(&mut self) -> Result<Whoami, StageError> {
        self.prove(Answerer::Cluster, None).await
    }

    /// The pod that answered before is still the one that answers.
    pub fn expect_same_pod(&mut self, before: &Whoami, after: &Whoami) {
        let expected = "the same pod answers before and after".to_owned();
        let verdict = if before.instance_id == after.instance_id {
            pass(expected)
        } else {
            fact_fails(expected, &replaced(before, after), None)
        };
        self.fact("pod", verdict);
    }

    /// Another pod answers than before.
    pub fn expect_another_pod(&mut self, before: &Whoami, after: &Whoami) {
        let expected = "another pod answers than before".to_owned();
        let verdict = if before.instance_id == after.instance_id {
            fact_fails(expected, &format!("still instance {}", after.instance_id), None)
        } else {
            pass(format!("{expected}: {}", replaced(before, after)))
        };
        self.fact("pod", verdict);
    }
}

fn replaced(before: &Whoami, after: &Whoami) -> String {
    format!(
        "first instance {}, then {}",
        before.instance_id, after.instance_id
    )
}
