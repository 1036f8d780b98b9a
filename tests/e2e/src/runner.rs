//! A run: preflight → up → for each scenario: play and judge → collect → undo → report → exit code.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use testbed::event::{Counts, Event};
use testbed::run::Run;
use testbed::{Capability, Endpoints, Environment, StepError};

use crate::bed::Bed;
use crate::breakpoint;
use crate::exit::ExitCode;
use crate::outcome;
use crate::places::Binaries;
use crate::report;
use crate::report::model::{Outcome, ScenarioReport, TwinReport};
use crate::scenario::{Fault, Scenario, Twin};
use crate::selection::{Selected, full_name};
use crate::session;
use crate::stage::{Case, Stage, StageError};

/// What to play, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Scenarios and twins.
    pub selected: Vec<Selected>,
    /// How many times.
    pub repeat: u32,
    /// Whether to stop at the first one that is not as expected.
    pub fail_fast: bool,
    /// Whether to collect evidence even when all is well, and to keep the environment up until Ctrl-C.
    pub keep: bool,
    /// How long spans may take to arrive, when the environment's own limit is not the one to take.
    pub settle_limit: Option<Duration>,
    /// The service binaries.
    pub binaries: Binaries,
}

/// Scenario reports as they come in, shared with the reporter.
pub type Reports = Arc<Mutex<Vec<ScenarioReport>>>;

/// Plays the plan in the environment and undoes everything, whatever happens on the way.
pub async fn run(run: &Run, environment: Box<dyn Environment>, plan: &Plan, reports: &Reports) -> ExitCode {
    let began = Instant::now();
    let stays = environment.outlives_the_run();
    let interrupted = run.interrupted();
    // The undo stack lives in the run, outside this future: dropping it at any await still undoes.
    let played = tokio::select! {
        biased;
        () = interrupted.cancelled() => ExitCode::Interrupted,
        code = play(run, environment, plan, reports) => code,
    };
    if plan.keep && stays && played.left_an_environment() {
        run.events()
            .note("kept; the next run with --keep uses it, `cargo xtask down` takes it down");
    } else if plan.keep && played.left_an_environment() {
        // Ending what was asked to be kept is not an interrupted run: the verdict stands.
        run.events().note("kept until Ctrl-C");
        interrupted.cancelled().await;
    }
    let undone = run.finish().await;
    let code = if undone.complete() {
        played
    } else {
        played.and(ExitCode::UndoIncomplete)
    };
    let counts = count(&reports.lock().unwrap_or_else(PoisonError::into_inner));
    run.events().emit(Event::RunFinished {
        exit_code: code.code(),
        counts,
        took: began.elapsed(),
    });
    code
}

async fn play(run: &Run, environment: Box<dyn Environment>, plan: &Plan, reports: &Reports) -> ExitCode {
    let mut bed = match session::open(run, environment, &plan.binaries, plan.settle_limit).await {
        Ok(bed) => bed,
        Err(code) => return code,
    };
    let mut code = play_all(&mut bed, plan, reports).await;
    if code.left_an_environment()
        && let Err(error) = leave_quiet(&mut bed, plan.keep).await
    {
        run.events().error(describe(&error), None);
        code = code.and(ExitCode::Unexpected);
    }
    if code != ExitCode::Passed || plan.keep {
        bed.collect().await;
    }
    if plan.keep && code.left_an_environment() {
        let Endpoints {
            storefront, jaeger, ..
        } = &bed.endpoints;
        run.events()
            .note(format!("storefront {storefront} · Jaeger {jaeger}"));
    }
    code
}

/// Leaves what scenarios have left for the next one, now that there is none. Whoever uses a kept environment next finds it as it was
/// deployed.
async fn leave_quiet(bed: &mut Bed, keep: bool) -> Result<(), StageError> {
    let mut stage = Stage::new(bed, None);
    stage.release().await?;
    if keep {
        stage.restore(&[]).await?;
    }
    Ok(())
}

/// Of how many failures evidence is kept at once. Where everything fails, more of it says nothing more.
const MOST_MOMENTS: usize = 3;

async fn play_all(bed: &mut Bed, plan: &Plan, reports: &Reports) -> ExitCode {
    let mut code = ExitCode::Passed;
    let mut moments = 0;
    let mut plays = plays(plan).peekable();
    while let Some((round, scenario, twin)) = plays.next() {
        bed.debuggers.one_more = plays.peek().is_some_and(|(_, next, _)| with_debugger(bed, next));
        let before = moments;
        let (report, usable) = play_one(bed, scenario, twin, round, &mut moments).await;
        let this = match &report.outcome {
            Outcome::Passed | Outcome::Skipped { .. } => ExitCode::Passed,
            Outcome::Failed => ExitCode::ExpectationFailed,
            Outcome::Inconclusive => ExitCode::Inconclusive,
        };
        let moment = report::anchor(&report.name, report.round);
        finish(bed, reports, report);
        if bed.run.interrupted().is_cancelled() {
            return ExitCode::Interrupted;
        }
        if this != ExitCode::Passed && lost(bed).await {
            // No verdict: what was to be judged is not there any more.
            return ExitCode::EnvironmentDown;
        }
        // What went wrong only when the stage was cleared: there is no evidence of it yet.
        if this != ExitCode::Passed && moments == before && moments < MOST_MOMENTS {
            moments += 1;
            bed.collect_at(&moment).await;
        }
        code = code.and(this);
        if !usable || (plan.fail_fast && this != ExitCode::Passed) {
            return code;
        }
    }
    let reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
    if code == ExitCode::Passed && count(&reports).passed == 0 {
        // A run that proves nothing must not be green.
        let text = "everything was skipped: nothing was proven";
        bed.run.events().error(text, None);
        return ExitCode::PrerequisiteMissing;
    }
    code
}

/// One after the other: in which round, which scenario, and which of its twins or none.
fn plays(plan: &Plan) -> impl Iterator<Item = (u32, &'static Scenario, Option<&'static Twin>)> {
    (1..=plan.repeat).flat_map(|round| {
        plan.selected
            .iter()
            .flat_map(move |one| one.in_order().map(move |twin| (round, one.scenario, twin)))
    })
}

/// Whether it is played with a debugger, here.
fn with_debugger(bed: &Bed, scenario: &Scenario) -> bool {
    const DEBUGGERS: [Capability; 2] = [Capability::Debugger, Capability::AttachDebugger];
    scenario.needs.iter().any(|need| DEBUGGERS.contains(need)) && lacking(bed, scenario, None).is_none()
}

/// Whether the environment was taken away, and tells what is gone.
async fn lost(bed: &Bed) -> bool {
    let lost = bed.environment.lost().await;
    let any = !lost.is_empty();
    for one in lost {
        bed.run.events().error(one.fact, Some(one.cure));
    }
    any
}

/// Plays one scenario or twin. The second value says whether the environment can still be used. Evidence of a failure is kept and
/// counted while the stage still is as it was then: with the intercept, and with the pods and the connection that were there.
async fn play_one(
    bed: &mut Bed,
    scenario: &'static Scenario,
    twin: Option<&'static Twin>,
    round: u32,
    moments: &mut usize,
) -> (ScenarioReport, bool) {
    let name = twin.map_or_else(|| scenario.name.to_owned(), |twin| full_name(scenario, twin));
    let mut report = ScenarioReport {
        name: name.clone(),
        about: scenario.about.to_owned(),
        twin: twin.map(|twin| TwinReport {
            of: scenario.name,
            fault: twin.fault.describe(),
            must_be_judged: outcome::describe(twin.judged),
        }),
        round,
        outcome: Outcome::Passed,
        verdict: None,
        error: None,
        proofs: Vec::new(),
        recoveries: Vec::new(),
        cases: Vec::new(),
        took_ms: 0.0,
    };
    let fault = twin.map(|twin| twin.fault);
    if let Some(reason) = lacking(bed, scenario, fault) {
        report.outcome = Outcome::Skipped { reason };
        return (report, true);
    }
    bed.run.events().emit(Event::ScenarioStarted {
        scenario: name.clone(),
        twin_of: twin.map(|_| scenario.name.to_owned()),
    });
    let mut stage = Stage::new(bed, fault);
    // Not the scenario's own time: one that was played before it had ended the connection.
    let ready = stage.ready(scenario.needs).await;
    let began = Instant::now();
    let played = match ready {
        Ok(()) => (scenario.play)(&mut stage).await,
        Err(error) => Err(error),
    };
    let failed = played.is_err() || judge(twin, stage.cases()).1 != Outcome::Passed;
    let mut collecting = Duration::ZERO;
    // An interrupted run is undone at once, which waits for nothing of this: see `run`.
    if failed && *moments < MOST_MOMENTS && !stage.is_interrupted() {
        let begun = Instant::now();
        if stage.keep_evidence(&report::anchor(&name, round)).await {
            *moments += 1;
        }
        collecting = begun.elapsed();
    }
    let cleared = stage.clear(played.is_ok()).await;
    report.took_ms = began.elapsed().saturating_sub(collecting).as_secs_f64() * 1e3;
    let (shown, cleared) = cleared;
    let cases = shown.cases;
    report.proofs = shown.proofs;
    report.recoveries = shown.recoveries;
    if played.is_ok() && cleared.is_ok() {
        let (verdict, outcome) = judge(twin, &cases);
        (report.verdict, report.outcome) = (Some(verdict), outcome);
    } else {
        report.outcome = Outcome::Failed;
    }
    // What was not as expected may have left an intercept that is not either.
    let released = match (&report.outcome, &cleared) {
        (Outcome::Passed, _) | (_, Err(_)) => Ok(()),
        _ => Stage::new(bed, None).release().await,
    };
    let usable = cleared.is_ok() && released.is_ok();
    let told: Vec<String> = [played, cleared, released]
        .iter()
        .filter_map(|one| one.as_ref().err())
        .map(describe)
        .collect();
    report.error = (!told.is_empty()).then(|| told.join("\nand afterwards: "));
    report.cases = report::cases(&name, &bed.jaeger, cases);
    (report, usable)
}

/// What all its cases come to, and whether that is as expected.
fn judge(twin: Option<&Twin>, cases: &[Case]) -> (trace::Verdict, Outcome) {
    let verdict = outcome::combine(cases);
    let outcome = match twin {
        Some(twin) => outcome::of_twin(twin.judged, &verdict, cases),
        None => outcome::of_scenario(&verdict),
    };
    (verdict, outcome)
}

/// Why a scenario can't be played: what the environment can't do, or this machine.
fn lacking(bed: &Bed, scenario: &Scenario, fault: Option<Fault>) -> Option<String> {
    let mut needed = scenario.needs.iter().copied().chain(fault.and_then(Fault::needs));
    needed.find_map(|need| {
        if bed.environment.can(need) {
            return breakpoint::lacking(need);
        }
        let name = bed.environment.name();
        Some(format!("the {name} environment can't {need}"))
    })
}

fn describe(error: &StageError) -> String {
    match error {
        StageError::Step(error @ StepError::Interrupted { .. }) => error.to_string(),
        other => testbed::explain::chain(other),
    }
}

/// Keeps a report and tells the consumers of events about it.
fn finish(bed: &Bed, reports: &Reports, report: ScenarioReport) {
    if let Outcome::Skipped { reason } = &report.outcome {
        bed.run.events().emit(Event::ScenarioSkipped {
            scenario: report.name.clone(),
            reason: reason.clone(),
        });
        reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(report);
        return;
    }
    let verdict = report.verdict.clone().unwrap_or_else(|| trace::Verdict::Fail {
        mismatches: vec![trace::Mismatch {
            expected: "the scenario can be played to its end".to_owned(),
            found: report.error.clone().unwrap_or_default(),
            at: None,
            cause: None,
        }],
    });
    let event = Event::ScenarioFinished {
        scenario: report.name.clone(),
        twin_of: report.twin.as_ref().map(|twin| twin.of.to_owned()),
        verdict,
        as_expected: report.outcome == Outcome::Passed,
        took: Duration::from_secs_f64(report.took_ms / 1e3),
        file: Some(format!("{}#{}", report::PAGE, report::anchor(&report.name, report.round)).into()),
    };
    let recoveries = report.recoveries.iter().map(|recovery| Event::Recovered {
        scenario: report.name.clone(),
        how: recovery.to_string(),
        took: Duration::from_secs_f64(recovery.took_ms / 1e3),
    });
    let recoveries: Vec<Event> = recoveries.collect();
    reports
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(report);
    bed.run.events().emit(event);
    for recovery in recoveries {
        bed.run.events().emit(recovery);
    }
}

/// How many of what.
#[must_use]
pub fn count(reports: &[ScenarioReport]) -> Counts {
    let mut counts = Counts::default();
    for report in reports {
        match report.outcome {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::Inconclusive => counts.inconclusive += 1,
            Outcome::Skipped { .. } => counts.skipped += 1,
        }
    }
    counts
}
