//! What all scenarios of a run share: the environment that is up, and the ways to talk to it.

mod debuggers;
mod up;

use std::path::Path;

use jaeger_api::JaegerClient;
use testbed::{Arrangement, Endpoints, Environment, Event, InterceptSpec, Run};
use trace::settle::Limits;

use crate::caller::Caller;
use crate::places::Binaries;
use crate::proof::Prover;

pub use debuggers::Debuggers;
pub use up::UpError;

/// An environment that is up.
pub struct Bed {
    /// The run.
    pub run: Run,
    /// The environment.
    pub environment: Box<dyn Environment>,
    /// Whether the workstation's connection to the cluster, where there is one, is as the environment made it. A scenario may
    /// end or lose it; the next one that is played connects again.
    pub connected: bool,
    /// How order-service is set up, unless a change of it came to no end. A scenario may leave it so; the next one that is played
    /// restores it, if it matters to it.
    pub arrangement: Option<Arrangement>,
    /// The intercept that is there, or may be. A scenario may leave it standing; the next one that asks for the same takes it over,
    /// any other ends it.
    pub intercepted: Option<InterceptSpec>,
    /// Where it answers.
    pub endpoints: Endpoints,
    /// Jaeger's query API.
    pub jaeger: JaegerClient,
    /// Places orders.
    pub caller: Caller,
    /// Proves who answers.
    pub prover: Prover,
    /// Debuggers for the process on the workstation.
    pub debuggers: Debuggers,
    /// Asks processes who they are.
    pub http: reqwest::Client,
    /// How long evidence may take to settle.
    pub limits: Limits,
    /// The service binaries.
    pub binaries: Binaries,
}

impl Bed {
    /// Keeps what explains a failure.
    pub async fn collect(&self) {
        collect(&self.run, self.environment.as_ref()).await;
    }

    /// Keeps what explains a failure that has just been seen, in a folder of its own: what comes later may replace the pods that
    /// would tell, and their logs with them.
    pub async fn collect_at(&self, moment: &str) {
        let folder = Path::new(EVIDENCE).join(moment);
        let collected = self.environment.collect(&self.run.dir().file(&folder)).await;
        if !collected.is_empty() {
            self.run.events().emit(Event::Collected {
                what: format!("evidence as it was after {moment}"),
                path: folder,
            });
        }
    }
}

/// The folder for evidence in a run's directory.
const EVIDENCE: &str = "evidence";

/// Keeps what explains a failure of an environment, and tells of it.
async fn collect(run: &Run, environment: &dyn Environment) {
    for collected in environment.collect(&run.dir().file(EVIDENCE)).await {
        run.events().emit(Event::Collected {
            what: collected.what,
            path: collected.path,
        });
    }
}

impl std::fmt::Debug for Bed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bed")
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}
