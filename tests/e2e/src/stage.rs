//! Where a scenario is played: it says what should happen, and the stage applies a twin's fault where the right thing
//! would be done. Collects the cases that were judged and the proofs that were given.

mod arrangement;
mod burst;
mod connection;
mod debug;
mod expect;
mod held;
mod open_span;
mod recovery;
mod standing;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use testbed::environment::{InterceptSpec, Selection};
use testbed::{BoxError, Endpoints, StepError, Whoami};

use crate::bed::Bed;
use crate::caller::{Order, Placed};
use crate::proof::{Answerer, Proof, Prover};
use crate::scenario::Fault;
use crate::scenario::topology::ORDER;
use crate::switch::{self, PROOF_LIMIT, SWITCH_LIMIT};
use crate::workstation::{Workstation, variables};
use debug::Debugging;

pub use expect::{Case, Gathered};
pub use held::Held;
pub use recovery::Recovery;

/// How long an order waits for an answer that will not come: the shortest that the services grant.
pub const UNANSWERED: Duration = Duration::from_millis(400);
/// After how long a nonce counts as answered by nobody. No trace says afterwards that it was only late, as one does of an order.
const SILENT: Duration = Duration::from_secs(1);

/// Why a scenario could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A step failed, took too long, or was interrupted.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The environment refused.
    #[error("the environment refused: {0}")]
    Environment(BoxError),
    /// A scenario used what it had not set up: a mistake in the scenario.
    #[error("the scenario needs {0} first")]
    Order(&'static str),
    /// There is no debugger.
    #[error(transparent)]
    NoDebugger(#[from] debugger::ToolError),
    /// The debugger did something else than it should.
    #[error(transparent)]
    Debugger(#[from] debugger::DebugError),
    /// The line to stop at can't be found.
    #[error("no line to stop at: {0}")]
    Source(#[source] std::io::Error),
    /// The process on the workstation does not answer.
    #[error("the workstation's process does not answer: {0}")]
    Workstation(String),
    /// A connection that was to be held can't be opened.
    #[error("{ORDER} can't be reached from the workstation: {0}")]
    Connection(String),
    /// The store can't be asked.
    #[error("Jaeger can't be asked: {0}")]
    Jaeger(#[from] jaeger_api::JaegerError),
}

impl From<BoxError> for StageError {
    fn from(error: BoxError) -> Self {
        Self::Environment(error)
    }
}

/// Where one scenario, or one of its twins, is played.
#[derive(Debug)]
pub struct Stage<'b> {
    bed: &'b mut Bed,
    fault: Option<Fault>,
    workstation: Option<Workstation>,
    /// What the cluster's names were while the workstation was connected.
    names: BTreeMap<String, IpAddr>,
    debugger: Option<Debugging>,
    /// Which requests the intercept takes.
    selection: Selection,
    /// The connection was lost, and what it carried waits for it in the cluster.
    lost: bool,
    /// Something befell the workload or what carries its requests.
    befallen: bool,
    shown: Shown,
}

/// What a scenario has shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// What was judged.
    pub cases: Vec<Case>,
    /// Who answered, proven with nonces.
    pub proofs: Vec<Proof>,
    /// How long it took until it worked again.
    pub recoveries: Vec<Recovery>,
}

impl<'b> Stage<'b> {
    /// An empty stage; `fault` is what a twin breaks.
    pub fn new(bed: &'b mut Bed, fault: Option<Fault>) -> Self {
        Self {
            bed,
            fault,
            workstation: None,
            names: BTreeMap::new(),
            debugger: None,
            selection: Selection::All,
            lost: false,
            befallen: false,
            shown: Shown::default(),
        }
    }

    /// Whether this twin breaks that.
    #[must_use]
    pub fn broken_by(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// The run's id: a header value that nobody else uses.
    #[must_use]
    pub fn run_id(&self) -> String {
        self.bed.run.id().to_string()
    }

    /// Where things answer.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.bed.endpoints
    }

    /// Makes sure that the cluster serves alone.
    ///
    /// # Errors
    /// When the data plane doesn't show it.
    pub async fn without_intercept(&mut self) -> Result<(), StageError> {
        if self.broken_by(Fault::StrayIntercept) {
            return self.intercept(Selection::All).await;
        }
        self.without_any().await
    }

    async fn without_any(&mut self) -> Result<(), StageError> {
        self.release().await?;
        self.prove(Answerer::Cluster, None).await?;
        Ok(())
    }

    /// Starts the process on the workstation, sends it the selected traffic, and proves that it arrives.
    ///
    /// # Errors
    /// When the process does not start, the environment refuses, or the data plane doesn't show it.
    pub async fn intercept(&mut self, selection: Selection) -> Result<(), StageError> {
        if let Some(Fault::Path(disturbance)) = self.fault {
            self.bed.environment.disturb(Some(disturbance)).await?;
        }
        self.selection = selection.clone();
        let listen = self.bed.endpoints.workstation_listen;
        let (pid, target) = self.start_workstation(listen).await?;
        self.divert(pid, target, selection).await
    }

    /// Sends the selected traffic to a process on the workstation that listens, and proves that it arrives.
    async fn divert(&mut self, pid: u32, target: SocketAddr, selection: Selection) -> Result<(), StageError> {
        if self.broken_by(Fault::NoIntercept) {
            // One from before is not over before the cluster answers: its agent may break off what comes meanwhile.
            return self.without_any().await;
        }
        let header = switch::header(&selection).map(str::to_owned);
        let filtered = header.is_some() && !self.broken_by(Fault::UnfilteredIntercept);
        let selection = if filtered { selection } else { Selection::All };
        let spec = InterceptSpec {
            workload: ORDER.to_owned(),
            selection,
            target,
        };
        let prover = self.take_over(spec).await?;
        let here = Answerer::Workstation { pid };
        self.prove_by(&prover, here, header.as_deref()).await?;
        if filtered {
            self.prove(Answerer::Cluster, None).await?;
        }
        if self.broken_by(Fault::WorkstationGone) {
            self.stop_workstation().await?;
        }
        Ok(())
    }

    /// Gives the traffic back and proves that the cluster serves again.
    ///
    /// # Errors
    /// When the environment refuses or the data plane doesn't show it.
    pub async fn leave(&mut self) -> Result<(), StageError> {
        if self.broken_by(Fault::NotLeft) {
            return Ok(());
        }
        self.without_any().await?;
        self.expect_nothing_more_here().await
    }

    /// Stops the process on the workstation; the intercept stays.
    ///
    /// # Errors
    /// When it can't be stopped, or there is none.
    pub async fn stop_workstation(&mut self) -> Result<SocketAddr, StageError> {
        let workstation = self.workstation.take().ok_or(StageError::Order("an intercept"))?;
        let address = workstation.address();
        workstation.stop(&self.bed.run).await?;
        Ok(address)
    }

    /// Stops the process on the workstation and starts another one at the same address, under the same intercept.
    ///
    /// # Errors
    /// When either fails, or requests don't reach the new process.
    pub async fn restart_workstation(&mut self) -> Result<(), StageError> {
        let address = self.stop_workstation().await?;
        if self.broken_by(Fault::NotRestarted) {
            return Ok(());
        }
        let (pid, _) = self.start_workstation(address).await?;
        let prover = self.bed.prover.of_one_process();
        self.prove_by(&prover, Answerer::Workstation { pid }, None)
            .await?;
        Ok(())
    }

    /// Places an order. Where a twin has left nobody to answer it, its caller gives up sooner than others.
    pub async fn order(&self, order: Order) -> Placed {
        let nobody = self.workstation.is_none() || self.befallen;
        let order = if nobody && self.fault.is_some_and(Fault::leaves_nobody) {
            order.waiting(UNANSWERED)
        } else {
            order
        };
        self.bed.caller.place(order).await
    }

    /// Places two orders at the same time.
    pub async fn order_both(&self, one: Order, other: Order) -> (Placed, Placed) {
        tokio::join!(self.order(one), self.order(other))
    }

    /// Places many orders at the same time.
    pub async fn order_all(&self, orders: Vec<Order>) -> Vec<Placed> {
        futures_util::future::join_all(orders.into_iter().map(|order| self.order(order))).await
    }

    /// What was judged so far.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.shown.cases
    }

    /// Whether the run is being ended.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.bed.run.interrupted().is_cancelled()
    }

    /// Keeps what explains a failure that has just been seen, before anything of it is undone. Says whether it did: an environment
    /// that was taken away would only be waited for.
    pub async fn keep_evidence(&self, moment: &str) -> bool {
        let there = self.bed.environment.lost().await.is_empty();
        if there {
            self.bed.collect_at(moment).await;
        }
        there
    }

    /// Undoes what the scenario did, whatever its outcome, so that the next one finds a quiet environment. An intercept that is as
    /// it should be may stay, when the scenario was `played` to its end. What it has shown comes back in any case; with an error,
    /// something can't be undone, and the environment must not be used any further.
    pub async fn clear(mut self, played: bool) -> (Shown, Result<(), StageError>) {
        let cleared = self.undo(played).await;
        (self.shown, cleared)
    }

    async fn undo(&mut self, played: bool) -> Result<(), StageError> {
        let run = self.bed.run.clone();
        // First, since a process that stands at a breakpoint answers nobody.
        self.end_debugger().await?;
        if self.lost {
            self.connect().await?;
        }
        self.bed.environment.disturb(None).await?;
        if !(played && self.may_stand()) {
            self.release().await?;
        }
        if let Some(workstation) = self.workstation.take() {
            workstation.stop(&run).await?;
        }
        Ok(())
    }

    async fn start_workstation(&mut self, listen: SocketAddr) -> Result<(u32, SocketAddr), StageError> {
        let extra = self.extra_variables();
        let bed = &self.bed;
        let started =
            Workstation::start(&bed.run, &bed.binaries.order, &bed.endpoints, listen, &extra).await?;
        let facts = (started.pid(), started.address());
        self.workstation = Some(started);
        Ok(facts)
    }

    /// What the process on the workstation is told besides where it is, by the scenario and by this twin.
    fn extra_variables(&self) -> Vec<(&'static str, &'static str)> {
        let under = variables::under(&self.selection).filter(|_| !self.broken_by(Fault::KeptConnections));
        let mut told: Vec<_> = under.into_iter().collect();
        if let Some(Fault::Workstation(variables)) = self.fault {
            told.extend(variables);
        }
        told
    }

    /// Proves who answers, and says which process that was.
    async fn prove(&mut self, answerer: Answerer, debug_header: Option<&str>) -> Result<Whoami, StageError> {
        let prover = self.bed.prover.clone();
        self.prove_by(&prover, answerer, debug_header).await
    }

    async fn prove_by(
        &mut self,
        prover: &Prover,
        answerer: Answerer,
        debug_header: Option<&str>,
    ) -> Result<Whoami, StageError> {
        let (proof, who) = switch::prove(prover, &self.bed.run, &answerer, debug_header).await?;
        self.shown.proofs.push(proof);
        Ok(who)
    }
}
