//! What stands behind the endpoints. A scenario knows endpoints and sites, never how they came to be.

mod capability;
mod examination;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use trace::ExportAccount;

pub use capability::{Arrangement, Cannot, Capability, Disturbance, Mishap};
pub use examination::Examination;

use crate::explain::{self, BoxError, Explain};
use crate::run::Run;
use crate::whoami::Tell;

/// The environments of `--env`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentName {
    /// No Docker: real service processes, our receiver, store, query API and intercept proxy.
    Embedded,
    /// Real Collector and Jaeger in containers, the rest as embedded.
    Containers,
    /// Real Kubernetes in kind, Collector, Jaeger and Telepresence.
    Kind,
    /// A cluster that the user already has.
    Context,
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Embedded => "embedded",
            Self::Containers => "containers",
            Self::Kind => "kind",
            Self::Context => "context",
        })
    }
}

/// Something that must be there before an environment can come up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What is missing or unsuitable, as a fact.
    pub fact: String,
    /// The command or action that cures it.
    pub cure: String,
}

impl Missing {
    /// What an error says is missing, with all its causes, and its hint as the cure.
    pub fn because(error: &impl Explain) -> Self {
        Self {
            fact: explain::chain(error),
            cure: error.hint().unwrap_or_else(|| "see the reason".into()),
        }
    }
}

/// One file or folder of evidence, relative to the run directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// What it is, for people.
    pub what: String,
    /// Where it is, relative to the run directory.
    pub path: PathBuf,
}

/// Where things answer once an environment is up. URLs have no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// The storefront inside the cluster, as the caller outside reaches it.
    pub storefront: String,
    /// Jaeger's query API and UI.
    pub jaeger: String,
    /// OTLP/HTTP base URL that the harness itself may export to.
    pub otlp_http: String,
    /// What the process on the workstation is told: OTLP/gRPC endpoint.
    pub workstation_otlp: String,
    /// What the process on the workstation is told: base URL of the inventory service.
    pub workstation_inventory: String,
    /// Base URL of the service that is intercepted, as a caller on the workstation reaches it.
    pub workstation_order: String,
    /// The address that the process on the workstation listens on; port 0 picks a free one.
    pub workstation_listen: SocketAddr,
}

/// Which requests an intercept takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// All of them.
    All,
    /// Those with this header, name compared without case, value exactly.
    Header {
        /// Header name.
        name: String,
        /// Header value.
        value: String,
    },
}

/// A workload whose traffic goes to a process on the workstation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterceptSpec {
    /// The workload, `order-service`.
    pub workload: String,
    /// Which requests.
    pub selection: Selection,
    /// Where the process on the workstation listens.
    pub target: SocketAddr,
}

/// Asks the processes inside the cluster what they say of their spans, at once or once they have delivered them, as often as it is
/// called. A process that can't be asked is left out.
pub type Accountant = Arc<dyn Fn(Tell) -> BoxFuture<'static, Vec<ExportAccount>> + Send + Sync>;

/// An accountant of no process at all.
#[must_use]
pub fn nobody() -> Accountant {
    Arc::new(|_| Box::pin(std::future::ready(Vec::new())))
}

/// Somewhere the services run, can be intercepted, and are traced.
///
/// There is no `down`: undoing must not depend on how far [`Environment::up`] got, so it lives in [`Run`].
pub trait Environment: Send + Sync {
    /// Which one this is.
    fn name(&self) -> EnvironmentName;

    /// What a green run here does not prove, and what to use instead; `None` when it proves everything.
    fn cannot_prove(&self) -> Option<&'static str>;

    /// Whether a scenario that needs this can run here.
    fn can(&self, capability: Capability) -> bool;

    /// Whether what was brought up with `--keep` stays when this process ends. Where it doesn't, a kept run waits for Ctrl-C.
    fn outlives_the_run(&self) -> bool {
        false
    }

    /// How long after the acknowledgement of an export its spans may still be invisible in Jaeger: zero where an
    /// acknowledgement means that they are stored, as much as the longest queue on the way takes where it does not.
    fn visible_within(&self) -> Duration {
        Duration::from_millis(200)
    }

    /// Everything missing at once, not the first thing missing.
    fn preflight(&self) -> BoxFuture<'_, Vec<Missing>>;

    /// What is worth knowing before a run although it is in nobody's way: defects of the tools that were found, and how they are
    /// kept from doing harm.
    fn remarks(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// The same, and what is in order too.
    fn examine(&self) -> BoxFuture<'_, Examination> {
        Box::pin(async move { Examination::missing(self.preflight().await) })
    }

    /// Brings it up. Whatever it creates is on the run's undo stack before it exists.
    fn up<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<Endpoints, BoxError>>;

    /// What has been lost since it came up, when something does not work: nothing as long as it is all there.
    fn lost(&self) -> BoxFuture<'_, Vec<Missing>> {
        Box::pin(async { Vec::new() })
    }

    /// Sends a workload's traffic to a process on the workstation. Returning `Ok` is a claim; the caller proves it.
    fn intercept<'a>(
        &'a mut self,
        run: &'a Run,
        spec: &'a InterceptSpec,
    ) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Gives the traffic back. Leaving what is not intercepted is fine.
    fn leave<'a>(&'a mut self, run: &'a Run, workload: &'a str) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Connects the workstation to the cluster, with whatever that needs in there, until the cluster's names resolve here. When
    /// it is connected already, nothing changes; a connection that broke is taken up again, with the intercepts it had.
    ///
    /// Only where [`Capability::Connection`] is: elsewhere there is nothing to connect.
    fn connect<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<(), BoxError>> {
        let _ = run;
        Cannot::fail(self.name(), Capability::Connection)
    }

    /// Ends the workstation's connection, and every intercept with it. Only where [`Capability::Connection`] is.
    fn disconnect<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<(), BoxError>> {
        let _ = run;
        Cannot::fail(self.name(), Capability::Connection)
    }

    /// The workloads that can be intercepted, by name. Only where [`Capability::Connection`] is.
    fn interceptable<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<Vec<String>, BoxError>> {
        let _ = run;
        Cannot::fail(self.name(), Capability::Connection)
    }

    /// Sets a workload up in another way, and waits until it can serve so. Requests may go to the processes from before for a
    /// moment yet: the caller proves that they don't. Only where [`Capability::Arrange`] is.
    fn arrange<'a>(
        &'a mut self,
        run: &'a Run,
        workload: &'a str,
        arrangement: Arrangement,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let _ = (run, workload, arrangement);
        Cannot::fail(self.name(), Capability::Arrange)
    }

    /// The `service.instance.id` of each process that serves a workload and is there to stay. Only where
    /// [`Capability::Arrange`] is.
    fn instances<'a>(&'a self, workload: &'a str) -> BoxFuture<'a, Result<BTreeSet<String>, BoxError>> {
        let _ = workload;
        Cannot::fail(self.name(), Capability::Arrange)
    }

    /// Lets a mishap befall a workload or its intercept. Returns when it has happened, not when it is over. Only where
    /// [`Capability::Mishaps`] is.
    fn befall<'a>(
        &'a mut self,
        run: &'a Run,
        workload: &'a str,
        mishap: Mishap,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let _ = (run, workload, mishap);
        Cannot::fail(self.name(), Capability::Mishaps)
    }

    /// The variables of a workload's process inside the cluster, as an intercept hands them to the workstation: ask while it is
    /// intercepted. Empty where the environment has nothing to tell.
    fn variables<'a>(
        &'a self,
        _workload: &'a str,
    ) -> BoxFuture<'a, Result<BTreeMap<String, String>, BoxError>> {
        Box::pin(std::future::ready(Ok(BTreeMap::new())))
    }

    /// Breaks the intercept path on purpose, or mends it with `None`.
    fn disturb(&mut self, disturbance: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>>;

    /// Whoever asks the processes inside the cluster, also while the environment is busy. Nobody answers before it is up.
    fn accountant(&self) -> Accountant;

    /// Copies whatever explains a failure into `into`, a folder of the run directory.
    fn collect<'a>(&'a self, into: &'a Path) -> BoxFuture<'a, Vec<Collected>>;
}
