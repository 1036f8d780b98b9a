//! The environment on real Kubernetes, behind the trait that scenarios know.

mod accounts;
mod arrangement;
mod connection;
mod guard;
mod intercepted;
mod lost;
mod lost_image;
mod mishap;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use testbed::environment::nobody;
use testbed::{
    Accountant, Arrangement, BoxError, Capability, Collected, Deadline, Disturbance, Endpoints, Environment,
    EnvironmentName, Examination, InterceptSpec, Mishap, Missing, Run, Undo,
};

use crate::bring_up::{Choice, Up, bring_up, choose};
use crate::context::{self, ContextOptions};
use crate::docker::{Docker, QUESTION};
use crate::download;
use crate::error::ClusterError;
use crate::evidence::{self, NodeLogs, Sources, Whose};
use crate::kind::Kind;
use crate::machine::Machine;
use crate::manifest::Profile;
use crate::node::Node;
use crate::options::KindOptions;
use crate::program::Program;
use crate::telepresence::Telepresence;
use crate::tool::{Tool, ToolMissing};
use accounts::Accounts;

/// Where the process on the workstation listens, as in the walkthrough.
pub const WORKSTATION_PORT: u16 = 8080;

/// Real Kubernetes with a Collector, Jaeger and the services: in kind, or in a cluster that is there already.
pub struct KindEnvironment {
    options: KindOptions,
    context: Option<ContextOptions>,
    telepresence: Option<Telepresence>,
    machine: Machine,
    begun: Option<Begun>,
    up: Option<Up>,
    accounts: Option<Accounts>,
}

/// What is known from the first moment on, and what evidence needs when the rest fails.
struct Begun {
    choice: Choice,
    /// kind, when it made the cluster.
    kind: Option<Kind>,
    run_dir: PathBuf,
    undo: Undo,
}

impl KindEnvironment {
    /// The environment; nothing is created yet.
    #[must_use]
    pub fn new(options: KindOptions) -> Self {
        let telepresence = options
            .plan
            .telepresence
            .then(|| Telepresence::new(options.tools.clone()).with_program(options.program.clone()));
        Self {
            options,
            context: None,
            telepresence,
            machine: Machine::this(),
            begun: None,
            up: None,
            accounts: None,
        }
    }

    /// The same in a cluster that is there already.
    #[must_use]
    pub fn in_context(mut self, context: ContextOptions) -> Self {
        self.context = Some(context);
        self
    }

    /// The environment as it would find this machine in [`Environment::preflight`].
    #[must_use]
    pub fn on(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    /// The cluster, as soon as it is chosen.
    #[must_use]
    pub fn choice(&self) -> Option<&Choice> {
        self.begun.as_ref().map(|begun| &begun.choice)
    }

    /// What [`Environment::up`] brought up.
    #[must_use]
    pub const fn brought_up(&self) -> Option<&Up> {
        self.up.as_ref()
    }

    fn docker(&self) -> Result<Tool, ToolMissing> {
        self.options.tools.find("docker", "run the cluster's node")
    }

    /// The only node of the cluster, as soon as that is chosen.
    fn node(&self) -> Result<Node, ClusterError> {
        let begun = self.begun.as_ref().ok_or(ClusterError::NoIntercepts)?;
        Ok(Node::of_cluster(Docker::new(self.docker()?), &begun.choice.name))
    }

    fn kind(&self) -> Result<Tool, ToolMissing> {
        self.options.tools.find("kind", "create a cluster")
    }

    async fn bring_up(&mut self, run: &Run) -> Result<Endpoints, ClusterError> {
        if let Some(telepresence) = &mut self.telepresence {
            // Before minutes are spent on a cluster that could not be used.
            telepresence.reserve(run, &self.options.plan.machine_locks)?;
        }
        let kind = self.context.is_none().then_some(Program::Kind);
        let telepresence = self.telepresence.as_ref().map(|_| Program::Telepresence);
        let programs: Vec<Program> = kind.into_iter().chain(telepresence).collect();
        download::provide(run, &self.options, &programs).await?;
        let up = match self.context.clone() {
            Some(context) => self.bring_up_there(run, &context).await?,
            None => self.bring_up_in_kind(run).await?,
        };
        let mut endpoints = up.endpoints.clone();
        if self.telepresence.is_some() {
            // `intercept order-service --port 8080:8080`, as the walkthrough has it.
            endpoints
                .workstation_listen
                .set_port(self.options.plan.workstation_port);
        }
        let label = self.begun.as_ref().map(|begun| begun.choice.label.as_str());
        self.accounts = label.map(|label| Accounts::of_run(up.client.clone(), label));
        self.up = Some(up);
        if let Some(cluster) = self.own_cluster() {
            run.stand_on(move || {
                let cluster = cluster.clone();
                // A question that fails says nothing about the cluster.
                async move { cluster.lost().await.ok().flatten() }
            });
        }
        Ok(endpoints)
    }

    async fn bring_up_in_kind(&mut self, run: &Run) -> Result<Up, ClusterError> {
        let (docker, kind) = (Docker::new(self.docker()?), Kind::new(self.kind()?));
        let plan = &self.options.plan;
        let choice = choose(run, plan, &docker, &kind).await?;
        let begun = self.begun.insert(Begun {
            choice,
            kind: Some(kind.clone()),
            run_dir: run.dir().path().to_owned(),
            undo: run.undo().clone(),
        });
        let telepresence = self.telepresence.as_mut();
        bring_up(run, plan, &docker, &kind, &begun.choice, telepresence).await
    }

    async fn bring_up_there(&mut self, run: &Run, context: &ContextOptions) -> Result<Up, ClusterError> {
        let begun = self.begun.insert(Begun {
            choice: context::choose(run, context)?,
            kind: None,
            run_dir: run.dir().path().to_owned(),
            undo: run.undo().clone(),
        });
        let telepresence = self.telepresence.as_mut();
        context::bring_up(run, &self.options, context, &begun.choice, telepresence).await
    }
}

impl Environment for KindEnvironment {
    fn name(&self) -> EnvironmentName {
        match self.context {
            Some(_) => EnvironmentName::Context,
            None => EnvironmentName::Kind,
        }
    }

    fn cannot_prove(&self) -> Option<&'static str> {
        None
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::HeaderIntercept | Capability::Debugger | Capability::AttachDebugger => {
                self.telepresence.is_some()
            }
            // A cluster of somebody else is left as it is, and so is the traffic manager that may have been there before.
            Capability::Connection | Capability::Arrange | Capability::Mishaps => {
                self.telepresence.is_some() && self.context.is_none()
            }
            Capability::ConnectionPerCaller => self
                .telepresence
                .as_ref()
                .is_some_and(Telepresence::keeps_connections),
            Capability::StickyConnections | Capability::OpenSpans => true,
            Capability::Disturb => false,
        }
    }

    fn outlives_the_run(&self) -> bool {
        // In somebody else's cluster nothing stays, and the forwards to it end with this process.
        self.context.is_none()
    }

    fn visible_within(&self) -> Duration {
        match self.options.plan.profile {
            // The Collector acknowledges what Jaeger has acknowledged, and Jaeger what can be queried: nothing queues.
            Profile::Synchronous => Duration::ZERO,
            // The batch's delay.
            Profile::Batched => Duration::from_millis(200),
        }
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<Missing>> {
        Box::pin(async move { self.examine().await.missing })
    }

    fn examine(&self) -> BoxFuture<'_, Examination> {
        let (options, telepresence) = (&self.options, self.telepresence.as_ref());
        match &self.context {
            Some(there) => Box::pin(context::examine(options, there, telepresence, &self.machine)),
            None => Box::pin(crate::preflight::examine(options, telepresence, &self.machine)),
        }
    }

    fn remarks(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async move {
            match &self.telepresence {
                Some(telepresence) => telepresence.remarks(&Deadline::after(QUESTION)).await,
                None => Vec::new(),
            }
        })
    }

    fn up<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<Endpoints, BoxError>> {
        Box::pin(async move { Ok(self.bring_up(run).await?) })
    }

    fn lost(&self) -> BoxFuture<'_, Vec<Missing>> {
        Box::pin(self.look_for_lost())
    }

    fn intercept<'a>(
        &'a mut self,
        run: &'a Run,
        spec: &'a InterceptSpec,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let Some(telepresence) = &mut self.telepresence else {
                return Err(ClusterError::NoIntercepts.into());
            };
            if let Some(up) = &self.up {
                guard::replicas(run, &up.client, &spec.workload, telepresence).await?;
            }
            match telepresence.intercept(run, spec).await {
                Ok(()) => Ok(self.expect_ready(run, &spec.workload).await?),
                Err(error) => Err(self.explained(&spec.workload, error).await.into()),
            }
        })
    }

    fn leave<'a>(&'a mut self, run: &'a Run, workload: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            match &mut self.telepresence {
                Some(telepresence) => Ok(telepresence.leave(run, workload).await?),
                None => Ok(()),
            }
        })
    }

    fn connect<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move { Ok(self.make_connection(run).await?) })
    }

    fn disconnect<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move { Ok(self.end_connection(run).await?) })
    }

    fn interceptable<'a>(&'a mut self, run: &'a Run) -> BoxFuture<'a, Result<Vec<String>, BoxError>> {
        Box::pin(async move { Ok(self.list(run).await?) })
    }

    fn arrange<'a>(
        &'a mut self,
        run: &'a Run,
        workload: &'a str,
        arrangement: Arrangement,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move { Ok(self.rearrange(run, workload, arrangement).await?) })
    }

    fn instances<'a>(&'a self, workload: &'a str) -> BoxFuture<'a, Result<BTreeSet<String>, BoxError>> {
        Box::pin(async move { Ok(self.staying_instances(workload).await?) })
    }

    fn befall<'a>(
        &'a mut self,
        run: &'a Run,
        workload: &'a str,
        mishap: Mishap,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move { Ok(self.let_happen(run, workload, mishap).await?) })
    }

    fn variables<'a>(
        &'a self,
        workload: &'a str,
    ) -> BoxFuture<'a, Result<BTreeMap<String, String>, BoxError>> {
        Box::pin(async move {
            match &self.telepresence {
                Some(telepresence) => Ok(telepresence.variables(workload)),
                None => Err(ClusterError::NoIntercepts.into()),
            }
        })
    }

    fn disturb(&mut self, disturbance: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async move {
            match disturbance {
                // The path is Telepresence's own, and never broken by us.
                Some(_) => Err(ClusterError::Unbreakable.into()),
                None => Ok(()),
            }
        })
    }

    fn accountant(&self) -> Accountant {
        let Some(accounts) = self.accounts.clone() else {
            return nobody();
        };
        Arc::new(move |tell| {
            let accounts = accounts.clone();
            Box::pin(async move { accounts.ask(tell).await })
        })
    }

    fn collect<'a>(&'a self, into: &'a Path) -> BoxFuture<'a, Vec<Collected>> {
        Box::pin(async move {
            let Some(begun) = &self.begun else {
                return Vec::new();
            };
            let sources = Sources {
                kind: begun.kind.clone().map(|kind| NodeLogs {
                    kind,
                    cluster: begun.choice.name.clone(),
                    undo: begun.undo.clone(),
                }),
                kubeconfig: begun.choice.kubeconfig.clone(),
                whose: match self.context {
                    None => Whose::Ours,
                    Some(_) => Whose::Theirs {
                        label: begun.choice.label.clone(),
                    },
                },
                telepresence: self
                    .telepresence
                    .as_ref()
                    .map(|telepresence| telepresence.witness(&begun.run_dir)),
                tools: self.options.tools.clone(),
            };
            evidence::collect(&sources, into, &begun.run_dir).await
        })
    }
}
