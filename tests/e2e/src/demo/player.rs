//! Does what the commands of the demo say.

use std::net::SocketAddr;

use testbed::environment::{InterceptSpec, Selection};
use testbed::event::Event;
use testbed::explain::chain;
use testbed::{BoxError, Capability, Disturbance, Explain, StepError};
use tokio::sync::watch;
use trace::{Answer, names};

use super::map;
use super::words::{self, Break, Words};
use crate::bed::Bed;
use crate::caller::Order;
use crate::exit::ExitCode;
use crate::live::{Follower, Scope};
use crate::proof::Answerer;
use crate::scenario::Fault;
use crate::scenario::topology::ORDER;
use crate::workstation::{Workstation, variables};
use crate::{session, switch};

/// Whether there is a next command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    Quit,
}

/// A command that was not done.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) fact: String,
    pub(super) hint: Option<String>,
    /// For a script, which ends with it.
    pub(super) code: ExitCode,
}

impl Refused {
    /// The user asked for what can't be done now.
    fn usage(fact: impl Into<String>, hint: &str) -> Self {
        Self {
            fact: fact.into(),
            hint: Some(hint.to_owned()),
            code: ExitCode::Usage,
        }
    }
}

impl From<StepError> for Refused {
    fn from(error: StepError) -> Self {
        Self {
            fact: chain(&error),
            hint: error.hint(),
            code: ExitCode::Unexpected,
        }
    }
}

impl From<BoxError> for Refused {
    fn from(error: BoxError) -> Self {
        Self {
            fact: chain(&error),
            hint: error.hint(),
            code: ExitCode::Unexpected,
        }
    }
}

/// The demo's stage: what is intercepted and what is broken now.
#[derive(Debug)]
pub(super) struct Player {
    bed: Bed,
    intercepted: Option<Intercepted>,
    /// Whether traffic may go to the workstation; also while an intercept is made or its process is started anew.
    switched: bool,
    way: Option<Disturbance>,
    /// The base URL of the process on the workstation, for whoever wants to ask it.
    workstation: watch::Sender<Option<String>>,
}

#[derive(Debug)]
struct Intercepted {
    selection: Selection,
    process: Workstation,
    /// What is broken in the process.
    fault: &'static [(&'static str, &'static str)],
}

impl Player {
    pub(super) fn new(bed: Bed) -> Self {
        Self {
            bed,
            intercepted: None,
            switched: false,
            way: None,
            workstation: watch::Sender::default(),
        }
    }

    pub(super) fn follower(&self, scope: Scope) -> Follower {
        Follower::new(&self.bed, scope, self.workstation.subscribe())
    }

    pub(super) async fn play(&mut self, words: Words, follower: &Follower) -> Result<Next, Refused> {
        match words {
            Words::Order { sku, quantity, plain } => {
                self.order(sku, quantity, plain, follower).await?;
            }
            Words::Intercept(selection) => self.intercept(selection).await?,
            Words::Leave => self.leave().await?,
            Words::Break(wanted) => self.break_on_purpose(wanted).await?,
            Words::Mend => self.mend().await?,
            Words::Trace => self.show_trace(follower)?,
            Words::Open => self.show_where(follower),
            Words::Map => self.show_map().await,
            Words::Help => self.show(words::help()),
            Words::Quit => return Ok(Next::Quit),
        }
        Ok(Next::GoOn)
    }

    pub(super) async fn show_map(&self) {
        let intercepted = self.intercepted.as_ref();
        let url = intercepted.map(|intercepted| intercepted.process.base_url());
        self.show(map::draw(&self.bed, url.as_deref()).await);
    }

    /// Gives back what is intercepted, and says what the exit code is then.
    pub(super) async fn close(mut self, code: ExitCode) -> ExitCode {
        // Its traffic goes first: nobody shall be sent to a process that is gone.
        let code = if self.switched {
            session::close(&mut self.bed, code).await
        } else {
            code
        };
        if let Some(intercepted) = self.intercepted
            && let Err(error) = intercepted.process.stop(&self.bed.run.closing()).await
        {
            self.bed.run.events().warn(chain(&error), error.hint());
            return code.and(ExitCode::UndoIncomplete);
        }
        code
    }

    /// Places an order and waits until its trace was told, so that what a script says next comes after it.
    async fn order(
        &self,
        sku: String,
        quantity: u32,
        plain: bool,
        follower: &Follower,
    ) -> Result<(), Refused> {
        let mut order = Order::of(sku, quantity);
        if let Some(value) = self.header().filter(|_| !plain) {
            order = order.with_header(names::DEBUG_HEADER, value);
        }
        let placed = self.bed.caller.place(order).await;
        match placed.answer() {
            Answer::Response { status: 200..300, .. } => {}
            Answer::Response { status, body } => {
                self.bed.run.events().note(format!("{status}: {}", detail(body)));
            }
            Answer::Failed(reason) => self.bed.run.events().note(format!("no answer: {reason}")),
        }
        let mut told = follower.told();
        let deadline = self.bed.run.deadline(self.bed.limits.deadline);
        let come = told.wait_for(|told| told.has(placed.trace_id()));
        if deadline.bound(come).await.is_err() {
            return Err(Refused {
                fact: format!("the trace {} has not come", placed.trace_id()),
                hint: Some("`mend` what is broken, or see the logs in the run directory".to_owned()),
                code: ExitCode::Inconclusive,
            });
        }
        Ok(())
    }

    fn header(&self) -> Option<&str> {
        switch::header(&self.intercepted.as_ref()?.selection)
    }

    async fn intercept(&mut self, selection: Selection) -> Result<(), Refused> {
        if matches!(selection, Selection::Header { .. })
            && !self.bed.environment.can(Capability::HeaderIntercept)
        {
            return Err(Refused::usage(
                "intercepts by header are not possible here",
                "`intercept`",
            ));
        }
        if self.intercepted.is_some() {
            return Err(Refused::usage(
                "order-service is intercepted already",
                "`leave` first",
            ));
        }
        let listen = self.bed.endpoints.workstation_listen;
        let process = self.start(listen, &selection, &[]).await?;
        let (pid, target) = (process.pid(), process.address());
        self.intercepted = Some(Intercepted {
            selection: selection.clone(),
            process,
            fault: &[],
        });
        let spec = InterceptSpec {
            workload: ORDER.to_owned(),
            selection: selection.clone(),
            target,
        };
        self.switched = true;
        let made = switch::intercept(&mut self.bed, &spec).await;
        let proven = match made {
            Ok(()) => switch::prove_intercept(&self.bed, &selection, &Answerer::Workstation { pid }).await,
            Err(error) => Err(error),
        };
        if let Err(error) = proven {
            // Half an intercept would be in the way of the next try.
            let refused = Refused::from(error);
            self.leave().await?;
            return Err(refused);
        }
        Ok(())
    }

    async fn leave(&mut self) -> Result<(), Refused> {
        let Some(intercepted) = self.intercepted.take() else {
            return Err(Refused::usage("nothing is intercepted", "`intercept`"));
        };
        let run = self.bed.run.clone();
        let given_back = switch::give_back(&mut self.bed, &run).await;
        self.workstation.send_replace(None);
        self.switched = given_back.is_err();
        intercepted.process.stop(&run).await?;
        Ok(given_back?)
    }

    async fn break_on_purpose(&mut self, wanted: Break) -> Result<(), Refused> {
        match wanted.fault {
            Fault::Path(disturbance) => {
                if !self.bed.environment.can(Capability::Disturb) {
                    return Err(Refused::usage(
                        format!(
                            "the {} environment can't break the way on purpose",
                            self.bed.environment.name()
                        ),
                        "`break propagation_stripped_in_order_service`",
                    ));
                }
                if self.intercepted.is_none() {
                    return Err(Refused::usage(
                        "that is broken on the way to the workstation, and nothing goes there",
                        "`intercept` first",
                    ));
                }
                self.bed.environment.disturb(Some(disturbance)).await?;
                self.way = Some(disturbance);
            }
            Fault::Workstation(variables) => self.restart_with(variables).await?,
            _ => {}
        }
        self.bed
            .run
            .events()
            .note(format!("broken: {}; `mend` mends it", wanted.fault.describe()));
        Ok(())
    }

    async fn mend(&mut self) -> Result<(), Refused> {
        if self.way.take().is_some() {
            self.bed.environment.disturb(None).await?;
        }
        if self
            .intercepted
            .as_ref()
            .is_some_and(|intercepted| !intercepted.fault.is_empty())
        {
            self.restart_with(&[]).await?;
        }
        self.bed.run.events().note("nothing is broken");
        Ok(())
    }

    /// Starts the process on the workstation anew, under the same intercept.
    async fn restart_with(&mut self, fault: &'static [(&'static str, &'static str)]) -> Result<(), Refused> {
        let Some(Intercepted {
            selection, process, ..
        }) = self.intercepted.take()
        else {
            return Err(Refused::usage(
                "that is broken in the process on the workstation, and there is none",
                "`intercept` first",
            ));
        };
        let address = process.address();
        process.stop(&self.bed.run).await?;
        let process = match self.start(address, &selection, fault).await {
            Ok(process) => process,
            Err(error) => {
                let run = self.bed.run.clone();
                switch::give_back(&mut self.bed, &run).await?;
                self.switched = false;
                return Err(error);
            }
        };
        let by = Answerer::Workstation { pid: process.pid() };
        self.intercepted = Some(Intercepted {
            selection: selection.clone(),
            process,
            fault,
        });
        Ok(switch::prove_intercept(&self.bed, &selection, &by).await?)
    }

    async fn start(
        &self,
        listen: SocketAddr,
        selection: &Selection,
        fault: &'static [(&'static str, &'static str)],
    ) -> Result<Workstation, Refused> {
        let bed = &self.bed;
        let told: Vec<_> = variables::under(selection)
            .into_iter()
            .chain(fault.iter().copied())
            .collect();
        let started =
            Workstation::start(&bed.run, &bed.binaries.order, &bed.endpoints, listen, &told).await?;
        self.workstation.send_replace(Some(started.base_url()));
        Ok(started)
    }

    fn show_trace(&self, follower: &Follower) -> Result<(), Refused> {
        match &follower.told().borrow().last {
            Some(last) => {
                self.show(last.tree());
                Ok(())
            }
            None => Err(Refused::usage("no request was seen yet", "`order`")),
        }
    }

    /// Only says it: a browser that is started from here would end with the run.
    fn show_where(&self, follower: &Follower) {
        let url = follower.told().borrow().last.as_ref().map_or_else(
            || self.bed.jaeger.base_url().to_owned(),
            |last| self.bed.jaeger.trace_url(last.trace().id()),
        );
        self.show(url);
    }

    fn show(&self, text: String) {
        self.bed.run.events().emit(Event::Shown { text });
    }
}

/// What a problem says in one line; another body as it is.
fn detail(body: &str) -> String {
    serde_json::from_str::<serde_json::Value>(body)
        .ok()
        .and_then(|problem| Some(problem["detail"].as_str()?.to_owned()))
        .unwrap_or_else(|| body.to_owned())
}
