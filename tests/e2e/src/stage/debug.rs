//! Stopping the process on the workstation with a real debugger while an order is under way.

use std::path::Path;
use std::time::{Duration, Instant};

use debugger::{Breakpoint, DebugError, Session};
use rustix::process::Signal;
use testbed::clock::Clock;
use testbed::{Capability, Deadline, Run, Selection};
use trace::route::Place;
use trace::{Cause, Mismatch, Trace, Verdict};

use super::expect::fact_fails;
use super::open_span;
use super::{Stage, StageError};
use crate::breakpoint::{self, NEVER, Pause, Visit};
use crate::caller::{Order, Placed};
use crate::scenario::Fault;
use crate::scenario::topology::{self, CUSTOMER, ORDER};
use crate::wall_clock;
use crate::workstation::{self, Workstation};

/// How long a debugger may take to load a program, and the program to listen.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long an order may take to reach the breakpoint.
const HIT_LIMIT: Duration = Duration::from_secs(30);
/// How long a debugger may take for anything else. It never counts as time of the run while a process is held.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long the caller of an order will wait for somebody at a breakpoint.
const PATIENCE: Duration = Duration::from_secs(120);
/// How much time of the run a pause may take, however long it is: none but what a busy machine needs to begin and end it.
const PAUSE_LIMIT: Duration = Duration::from_secs(1);

impl Stage<'_> {
    /// Starts the process on the workstation under a debugger with the breakpoint set, sends it all traffic, and proves that
    /// it arrives.
    ///
    /// # Errors
    /// When the debugger or the process does not start, or the intercept does not come to be.
    pub async fn intercept_under_debugger(&mut self) -> Result<(), StageError> {
        let listen = self.bed.endpoints.workstation_listen;
        let (run, there, tool) = (self.bed.run.clone(), self.breakpoint()?, breakpoint::debugger()?);
        let prepared = self.bed.debuggers.take(&run, &tool).await?;
        let bed = &self.bed;
        let mut launch = workstation::launch(
            &bed.binaries.order,
            &bed.endpoints,
            listen,
            &self.extra_variables(),
        );
        if bed.environment.can(Capability::OpenSpans) && !self.broken_by(Fault::NoOpenSpans) {
            let (variable, form) = breakpoint::open_spans(bed.environment.name());
            launch.env.insert(variable.to_owned(), form.to_owned());
        }
        let deadline = run.deadline(START_LIMIT);
        let start = Workstation::start_under_debugger(&run, prepared, &launch, &there, &deadline);
        let show = |(started, _): &(Workstation, Session)| {
            format!("{} pid {}, stops at {there}", started.base_url(), started.pid())
        };
        let name = format!("{ORDER}@workstation under {tool}");
        let (started, session) = run.step_showing(&name, START_LIMIT, start, show).await?;
        let (pid, target) = (started.pid(), started.address());
        self.workstation = Some(started);
        self.debugger = Some(Debugging {
            session,
            attached: false,
        });
        self.bed.debuggers.prepare(&run, &tool).await;
        self.divert(pid, target, Selection::All).await
    }

    /// Attaches a debugger to the process on the workstation and sets the breakpoint.
    ///
    /// # Errors
    /// When there is no process, or the debugger can't attach.
    pub async fn attach_debugger(&mut self) -> Result<(), StageError> {
        let process = self
            .workstation
            .as_ref()
            .ok_or(StageError::Order("an intercept"))?;
        let pid = process.pid();
        let (run, there, tool) = (self.bed.run.clone(), self.breakpoint()?, breakpoint::debugger()?);
        let prepared = self.bed.debuggers.take(&run, &tool).await?;
        let attach = async {
            let deadline = run.deadline(START_LIMIT);
            let mut session = Session::attach_with(prepared, &run, pid, &deadline).await?;
            session.break_at(&there, &deadline).await?;
            session.go(&deadline).await?;
            Ok::<_, DebugError>(session)
        };
        let name = format!("{tool} attached to pid {pid}");
        let show = |_: &Session| format!("stops at {there}");
        let session = run.step_showing(&name, START_LIMIT, attach, show).await?;
        self.debugger = Some(Debugging {
            session,
            attached: true,
        });
        self.bed.debuggers.prepare(&run, &tool).await;
        Ok(())
    }

    /// Lets go of the process, which goes on without the debugger.
    ///
    /// # Errors
    /// When there is no debugger, or it does not let go.
    pub async fn detach_debugger(&mut self) -> Result<(), StageError> {
        let debugging = self.debugger.take().ok_or(StageError::Order("a debugger"))?;
        let run = self.bed.run.clone();
        let deadline = run.deadline(ANSWER_LIMIT);
        let detach = debugging.session.detach(&deadline);
        run.step("debugger detached", ANSWER_LIMIT, detach).await?;
        Ok(())
    }

    /// Ends the debugger, if there is one: with a process that it launched, without one that it was attached to. One that
    /// is gone already has nothing more to say; what it left is stopped with the process itself.
    pub(super) async fn end_debugger(&mut self) -> Result<(), StageError> {
        let Some(Debugging { session, attached }) = self.debugger.take() else {
            return Ok(());
        };
        let deadline = self.bed.run.deadline(ANSWER_LIMIT);
        let ended = if attached {
            session.detach(&deadline).await
        } else {
            session.kill(&deadline).await
        };
        match ended {
            Err(error @ DebugError::Process(_)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Places an order that should run into the breakpoint; holds it there for `hold`, reads the customer out of the frame,
    /// and lets it go on. Meanwhile the run's limits stand still.
    ///
    /// # Errors
    /// When there is no debugger, or it does something else than to stop there.
    pub async fn order_into_breakpoint(
        &mut self,
        order: Order,
        hold: Duration,
    ) -> Result<(Placed, Visit), StageError> {
        self.hold(order, hold, hold).await
    }

    /// The same, holding it longer, up to `longest`, until Jaeger shows the span around the breakpoint as open.
    ///
    /// # Errors
    /// As [`Stage::order_into_breakpoint`].
    pub async fn order_held_until_seen(
        &mut self,
        order: Order,
        hold: Duration,
        longest: Duration,
    ) -> Result<(Placed, Visit), StageError> {
        // Where it is not to be seen, waiting on would show no more.
        let longest = if self.broken_by(Fault::NoOpenSpans) {
            hold
        } else {
            longest
        };
        self.hold(order, hold, longest).await
    }

    async fn hold(
        &mut self,
        order: Order,
        hold: Duration,
        longest: Duration,
    ) -> Result<(Placed, Visit), StageError> {
        let killed = self.broken_by(Fault::DebuggerKilled);
        let run = self.bed.run.clone();
        let caller = self.bed.caller.clone();
        let (jaeger, trace_id) = (self.bed.jaeger.clone(), order.trace_id());
        let debugging = self.debugger.as_mut();
        let session = &mut debugging.ok_or(StageError::Order("a debugger"))?.session;
        let mut placing = Box::pin(caller.place(order.waiting(PATIENCE)));
        let hit = run.deadline(HIT_LIMIT);
        let stop = tokio::select! {
            biased;
            stop = session.stopped(&hit) => stop,
            placed = &mut placing => return Ok((placed, Visit::NeverStopped)),
        };
        // Where the program runs into something else, there is nobody to go on with.
        let stop = stop?;
        let (stopped_at, counted_from, from) = (Instant::now(), run.elapsed(), wall_clock::now());
        let held = run.hold();
        let name = format!("paused at {}:{}", name_of(&stop.file), stop.line);
        let pause = async {
            if killed {
                session.process().signal(Signal::KILL)?;
            }
            let answers = unheld(&run, ANSWER_LIMIT);
            let customer_id = session.text(&stop, "customer_id", &answers).await?;
            session.clear(&answers).await?;
            let left_of = |whole: Duration| unheld(&run, whole.saturating_sub(stopped_at.elapsed()));
            let (rest, looking) = (left_of(hold), left_of(longest));
            let open = open_span::look(&jaeger, trace_id, &looking).await;
            // A pause is a length of time: there is no condition to wait for. Ctrl-C ends it.
            rest.ended().await;
            let held = stopped_at.elapsed();
            session.resume(&stop, &unheld(&run, ANSWER_LIMIT)).await?;
            Ok((customer_id, held, open))
        };
        let pause = async {
            match pause.await {
                Err(error @ DebugError::Gone { .. }) => Ok(Err(error)),
                other => other.map(Ok),
            }
        };
        let show = |paused: &Result<(String, Duration, Option<Trace>), DebugError>| match paused {
            Ok((customer_id, held, _)) => format!("for {} ms, customer_id = {customer_id}", held.as_millis()),
            Err(error) => error.to_string(),
        };
        // The limit is shorter than the pause: that it is not over is what `hold` is for.
        let paused = run.step_showing(&name, PAUSE_LIMIT, pause, show).await;
        let counted = run.elapsed().saturating_sub(counted_from);
        drop(held);
        let visit = match paused? {
            Ok((customer_id, held, open)) => Visit::Paused(Pause {
                at: format!("{}:{}", name_of(&stop.file), stop.line),
                function: stop.function,
                customer_id,
                from,
                held,
                open,
                counted,
            }),
            Err(error) => Visit::DebuggerGone(error),
        };
        Ok((placing.await, visit))
    }

    /// Judges an order that nothing held although something should have: what became of it may say why.
    ///
    /// # Errors
    /// As [`Stage::judge`].
    pub async fn judge_unheld(&mut self, order: Placed) -> Result<(), StageError> {
        let expected = topology::served_on_the_workstation();
        self.judge("the order that was not held", order, expected).await
    }

    /// The order stood at the breakpoint for `wanted`, with the walkthrough's customer in the frame, and the run's limits
    /// stood still meanwhile.
    ///
    /// # Errors
    /// When the line to stop at can't be found. What does not hold is a verdict, not an error.
    pub fn expect_pause(&mut self, visit: &Visit, wanted: Duration) -> Result<(), StageError> {
        let at = self.breakpoint()?.to_string();
        let verdict = match visit {
            Visit::Paused(pause) => looked_at(pause, &at, wanted),
            Visit::NeverStopped => fact_fails(
                format!("a stop at {at}"),
                "an answer without a stop",
                Some(Cause::NeverStopped { at }),
            ),
            Visit::DebuggerGone(error) => fact_fails(
                format!("a stop at {at}, held for {} ms", wanted.as_millis()),
                "a debugger that is gone",
                Some(Cause::DebuggerGone {
                    at,
                    error: testbed::explain::chain(error),
                }),
            ),
        };
        if let (Visit::Paused(pause), Verdict::Pass { .. }) = (visit, &verdict) {
            self.bed.run.events().note(pause.to_string());
        }
        self.fact("the stop at the breakpoint", verdict);
        Ok(())
    }

    /// Judges an order that was held: one whole trace, with spans that are as long as the pause where they were open and not
    /// where they weren't. Tells by how much they are longer.
    ///
    /// # Errors
    /// When the store can't be asked. What does not hold is a verdict, not an error.
    pub async fn judge_held(&mut self, label: &str, placed: Placed, pause: &Pause) -> Result<(), StageError> {
        let mut expected = topology::served_on_the_workstation();
        expected.extend(topology::paused(pause.held));
        self.judge(label, placed, expected).await?;
        if let Some(case) = self.shown.cases.last_mut() {
            case.standstill = Some(pause.standstill());
        }
        let judged = self.shown.cases.last().and_then(|case| case.evidence.as_ref());
        let spans = judged.and_then(|evidence| evidence.trace.as_ref());
        let longer = spans.map(|trace| longer_than(trace, pause)).unwrap_or_default();
        if let Some(order) = longer.iter().find(|line| line.contains("create-order")) {
            self.bed.run.events().note(order);
            self.fact("the pause in the trace", Verdict::Pass { shown: longer });
        }
        Ok(())
    }

    fn breakpoint(&self) -> Result<Breakpoint, StageError> {
        let there = breakpoint::in_process_order().map_err(StageError::Source)?;
        Ok(if self.broken_by(Fault::BreakpointNeverHit) {
            there.when(NEVER)
        } else {
            there
        })
    }
}

/// What the debugger showed, beside what it should have.
fn looked_at(pause: &Pause, at: &str, wanted: Duration) -> Verdict {
    let checks = [
        (pause.at == at, format!("a stop at {at}"), pause.at.clone()),
        (
            pause.function.contains("process_order"),
            "a stop in process_order".to_owned(),
            pause.function.clone(),
        ),
        (
            pause.customer_id == CUSTOMER,
            format!("customer_id = {CUSTOMER} in the frame"),
            format!("customer_id = {}", pause.customer_id),
        ),
        (
            pause.held >= wanted,
            format!("held for at least {} ms", wanted.as_millis()),
            format!("held for {} ms", pause.held.as_millis()),
        ),
        (
            pause.counted < wanted / 2,
            "limits of the run that stand still during the pause".to_owned(),
            format!("{} ms counted", pause.counted.as_millis()),
        ),
    ];
    let mismatches: Vec<Mismatch> = checks
        .into_iter()
        .filter(|(holds, ..)| !holds)
        .map(|(_, expected, found)| Mismatch {
            expected,
            found,
            at: None,
            cause: None,
        })
        .collect();
    if mismatches.is_empty() {
        Verdict::Pass {
            shown: vec![pause.to_string()],
        }
    } else {
        Verdict::Fail { mismatches }
    }
}

/// By how much the spans around a pause are longer than it.
fn longer_than(trace: &Trace, pause: &Pause) -> Vec<String> {
    let held = trace.spans().iter().filter(|span| span.duration() >= pause.held);
    held.map(|span| {
        let place = Place::of(span).to_at();
        format!(
            "{place} {} took {:.1} ms, {:.1} ms more than the pause",
            span.name,
            span.duration().as_secs_f64() * 1e3,
            (span.duration() - pause.held).as_secs_f64() * 1e3
        )
    })
    .collect()
}

/// A debugger, and whose the process in its hands is.
#[derive(Debug)]
pub(super) struct Debugging {
    session: Session,
    attached: bool,
}

/// A deadline that goes on while the run's clock is held; Ctrl-C ends it.
fn unheld(run: &Run, limit: Duration) -> Deadline {
    Deadline::new(&Clock::start(), limit, run.interrupted())
}

fn name_of(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
