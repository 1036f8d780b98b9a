//! What a scenario is, and the list of all of them. One file each in `scenario/`.

mod absent_workstation;
mod attached_debugger;
mod baseline;
mod breakpoint;
mod concurrent_orders;
mod debug_search;
mod failing_order;
mod first_intercept;
mod header_intercept;
mod held_connection;
mod intercepted_order;
mod killed_connection;
mod leave;
mod lost_pod;
mod many_filtered;
mod numeric_port;
mod open_span;
mod prepared_pod;
mod restart;
pub mod topology;
mod two_replicas;
mod walkthrough;

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
pub use testbed::{Capability, Disturbance};

use crate::stage::{Stage, StageError};

/// A request with the expectations on its trace, written once, run in every environment that can hold it.
#[derive(Debug)]
pub struct Scenario {
    /// A sentence in snake case; the name on the command line.
    pub name: &'static str,
    /// One line for `--list` and the report.
    pub about: &'static str,
    /// What the environment must be able to do.
    pub needs: &'static [Capability],
    /// Plays the scenario on a stage, which collects the verdicts.
    pub play: Play,
    /// The same with one thing broken on purpose; never empty.
    pub twins: &'static [Twin],
}

/// The function that plays a scenario.
pub type Play = for<'s, 'b> fn(&'s mut Stage<'b>) -> LocalBoxFuture<'s, Result<(), StageError>>;

/// A scenario with one thing broken on purpose, and what the judge must make of it.
#[derive(Debug)]
pub struct Twin {
    /// Appended to the scenario's name: `scenario/twin`.
    pub name: &'static str,
    /// What is broken.
    pub fault: Fault,
    /// What the judge must say.
    pub judged: Judged,
}

/// What a twin breaks. The stage applies it where the scenario would do the right thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process on the workstation is started with these variables on top of its own.
    Workstation(&'static [(&'static str, &'static str)]),
    /// The intercept path does something to the requests.
    Path(Disturbance),
    /// The intercept is not made.
    NoIntercept,
    /// An intercept is made that the scenario did not ask for.
    StrayIntercept,
    /// The intercept takes every request, whatever header was asked for.
    UnfilteredIntercept,
    /// The intercept is not left.
    NotLeft,
    /// The workstation's connection to the cluster is not ended.
    NotDisconnected,
    /// The connection that was killed is not taken up again.
    NotReconnected,
    /// The workload has been intercepted before, when the scenario wants one that never was.
    InterceptedBefore,
    /// Nobody puts another pod in the place of the one that was lost.
    PodStaysAway,
    /// The workload is rolled out anew behind the scenario's back, as if it had never been intercepted.
    RolledOut,
    /// The process on the workstation keeps its callers' connections open under an intercept with a header.
    KeptConnections,
    /// The connection from before the intercept is closed, and another one is opened.
    Reopened,
    /// The process on the workstation is stopped before the order is sent.
    WorkstationGone,
    /// The process on the workstation is stopped for a restart and not started again.
    NotRestarted,
    /// The process on the workstation stays although it should be gone.
    WorkstationStays,
    /// The order that should fail is one that succeeds.
    HealthyOrder,
    /// All orders are sent under one trace id.
    SharedTraceId,
    /// The breakpoint has a condition that is never true.
    BreakpointNeverHit,
    /// The debugger is killed while it holds the process.
    DebuggerKilled,
    /// The process on the workstation does not make its open spans visible.
    NoOpenSpans,
}

impl Fault {
    /// What the environment must be able to do for this fault.
    #[must_use]
    pub const fn needs(self) -> Option<Capability> {
        match self {
            Self::Path(_) => Some(Capability::Disturb),
            Self::InterceptedBefore | Self::RolledOut | Self::PodStaysAway => Some(Capability::Arrange),
            Self::NoOpenSpans => Some(Capability::OpenSpans),
            Self::KeptConnections => Some(Capability::ConnectionPerCaller),
            _ => None,
        }
    }

    /// Whether an order is answered by nobody after it.
    #[must_use]
    pub const fn leaves_nobody(self) -> bool {
        matches!(
            self,
            Self::WorkstationGone | Self::NotRestarted | Self::NotReconnected | Self::PodStaysAway
        )
    }

    /// For people.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Workstation(variables) => {
                let variables: Vec<String> = variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("the workstation's process runs with {}", variables.join(" "))
            }
            Self::Path(Disturbance::StripTraceContext) => {
                "the intercept path removes traceparent and tracestate".to_owned()
            }
            Self::Path(Disturbance::Replay) => "the intercept path delivers every request twice".to_owned(),
            Self::NoIntercept => "the intercept is not made".to_owned(),
            Self::StrayIntercept => "an intercept is active that nobody asked for".to_owned(),
            Self::UnfilteredIntercept => "the intercept takes every request".to_owned(),
            Self::NotLeft => "the intercept is not left".to_owned(),
            Self::NotReconnected => "the killed connection is not taken up again".to_owned(),
            Self::InterceptedBefore => "the workload has been intercepted before".to_owned(),
            Self::PodStaysAway => "no other pod comes in the place of the lost one".to_owned(),
            Self::RolledOut => "the workload is rolled out anew meanwhile".to_owned(),
            Self::KeptConnections => "the workstation's process keeps connections open".to_owned(),
            Self::Reopened => "the connection is opened anew".to_owned(),
            Self::NotDisconnected => "the workstation stays connected to the cluster".to_owned(),
            Self::WorkstationGone => "the workstation's process is stopped before the order".to_owned(),
            Self::NotRestarted => "the workstation's process is stopped and not started again".to_owned(),
            Self::WorkstationStays => "the workstation's process answers".to_owned(),
            Self::HealthyOrder => "the order is one that succeeds".to_owned(),
            Self::SharedTraceId => "all orders are sent under one trace id".to_owned(),
            Self::BreakpointNeverHit => "the breakpoint has a condition that is never true".to_owned(),
            Self::NoOpenSpans => "the workstation's process keeps its open spans to itself".to_owned(),
            Self::DebuggerKilled => "the debugger is killed while it holds the process".to_owned(),
        }
    }
}

/// What the judge must say of a twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// `Fail`, and at least one mismatch names this cause.
    Fails(CauseKind),
    /// `Fail`; the evidence shows what differs and there is no cause to name beyond it.
    FailsWithoutCause,
    /// `Pass`, and not before this much time: the fault only delays.
    PassesAfter(Duration),
    /// `Pass`: the fault is one that a sound judge tolerates.
    Passes,
}

/// The kinds of [`trace::Cause`], without their facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseKind {
    /// [`trace::Cause::HeaderLost`]
    HeaderLost,
    /// [`trace::Cause::OtherPropagator`]
    OtherPropagator,
    /// [`trace::Cause::ContextLost`]
    ContextLost,
    /// [`trace::Cause::SampledOut`]
    SampledOut,
    /// [`trace::Cause::NeverExported`]
    NeverExported,
    /// [`trace::Cause::ExportRefused`]
    ExportRefused,
    /// [`trace::Cause::LostAfterExport`]
    LostAfterExport,
    /// [`trace::Cause::WrongSite`]
    WrongSite,
    /// [`trace::Cause::WrongVersion`]
    WrongVersion,
    /// [`trace::Cause::Unreachable`]
    Unreachable,
    /// [`trace::Cause::HandledTwice`]
    HandledTwice,
    /// [`trace::Cause::NeverStopped`]
    NeverStopped,
    /// [`trace::Cause::DebuggerGone`]
    DebuggerGone,
}

impl CauseKind {
    /// Whether a cause is of this kind.
    #[must_use]
    pub const fn is(self, cause: &trace::Cause) -> bool {
        use trace::Cause;
        matches!(
            (self, cause),
            (Self::HeaderLost, Cause::HeaderLost { .. })
                | (Self::OtherPropagator, Cause::OtherPropagator { .. })
                | (Self::ContextLost, Cause::ContextLost { .. })
                | (Self::SampledOut, Cause::SampledOut { .. })
                | (Self::NeverExported, Cause::NeverExported { .. })
                | (Self::ExportRefused, Cause::ExportRefused { .. })
                | (Self::LostAfterExport, Cause::LostAfterExport { .. })
                | (Self::WrongSite, Cause::WrongSite { .. })
                | (Self::WrongVersion, Cause::WrongVersion { .. })
                | (Self::Unreachable, Cause::Unreachable { .. })
                | (Self::HandledTwice, Cause::HandledTwice { .. })
                | (Self::NeverStopped, Cause::NeverStopped { .. })
                | (Self::DebuggerGone, Cause::DebuggerGone { .. })
        )
    }
}

/// Every scenario, in the order in which they run.
pub const ALL: &[Scenario] = &[
    baseline::SCENARIO,
    intercepted_order::SCENARIO,
    leave::SCENARIO,
    debug_search::SCENARIO,
    failing_order::SCENARIO,
    header_intercept::SCENARIO,
    concurrent_orders::SCENARIO,
    restart::SCENARIO,
    absent_workstation::SCENARIO,
    breakpoint::SCENARIO,
    open_span::SCENARIO,
    attached_debugger::SCENARIO,
    many_filtered::SCENARIO,
    held_connection::SCENARIO,
    // In an order in which as few pods as possible have to be replaced: each begins with the pods that the one before it has
    // left, and the numeric port where there is none.
    lost_pod::SCENARIO,
    numeric_port::SCENARIO,
    two_replicas::SCENARIO,
    prepared_pod::SCENARIO,
    first_intercept::SCENARIO,
    killed_connection::SCENARIO,
    // Ends the workstation's connection: whatever comes after it has to connect again.
    walkthrough::SCENARIO,
];
