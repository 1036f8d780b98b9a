//! Runs: their directory, their steps, their record.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use testbed::wait::{self, Probe};
use testbed::{Class, Event, Events, Explain, Outcome, Run, RunDir, RunError, RunId, Signals, StepError};

use crate::bed::{Bed, generous, options};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_step_tells_its_story_and_hands_on_its_result() {
    let mut bed = Bed::new();
    let step = async { Ok::<_, io::Error>("127.0.0.1:4317") };
    let address = bed
        .run
        .step_showing("otlp receiver", LONG, step, |address| (*address).to_owned())
        .await
        .unwrap();
    assert_eq!(address, "127.0.0.1:4317");
    let events = bed.seen();
    assert_eq!(
        events[0],
        Event::StepStarted {
            step: "otlp receiver".to_owned()
        }
    );
    let Event::StepFinished {
        step,
        outcome,
        detail,
        ..
    } = &events[1]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (step.as_str(), outcome, detail.as_deref()),
        ("otlp receiver", &Outcome::Ok, Some("127.0.0.1:4317"))
    );
}

#[tokio::test]
async fn a_failing_step_keeps_the_cause_and_its_hint() {
    let mut bed = Bed::new();
    let root = bed.root().join("file");
    std::fs::write(&root, "").unwrap();
    let begin = async { Run::begin(options(&root, &Signals::manual())) };
    let error = bed
        .run
        .step("inner run", LONG, begin)
        .await
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(&error, StepError::Failed { step, .. } if step == "inner run"),
        "{error}"
    );
    assert_eq!(error.class(), Class::Prerequisite);
    let Some(Event::StepFinished {
        outcome: Outcome::Failed { error, hint },
        ..
    }) = bed.seen().pop()
    else {
        panic!()
    };
    assert!(
        error.starts_with("cannot write the run directory below "),
        "{error}"
    );
    assert!(hint.unwrap().contains("no folder is in the way"));
}

#[tokio::test]
async fn a_step_that_takes_too_long_says_what_it_was_waiting_for() {
    let mut bed = Bed::new();
    let deadline = generous();
    let step = wait::until(&deadline, "order in Jaeger", || async {
        Probe::<(), Infallible>::not_yet("services so far: storefront")
    });
    let error = bed.run.step("settle", SHORT, step).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "settle took longer than 50 ms; it was waiting for order in Jaeger: services so far: storefront"
    );
    let Some(Event::StepFinished { outcome, detail, .. }) = bed.seen().pop() else {
        panic!()
    };
    assert_eq!(outcome, Outcome::TimedOut);
    assert_eq!(
        detail.as_deref(),
        Some("order in Jaeger: services so far: storefront")
    );
}

#[tokio::test]
async fn a_step_that_waits_for_nothing_known_says_only_that_it_took_too_long() {
    let bed = Bed::new();
    let never = std::future::pending::<Result<(), io::Error>>();
    let error = bed.run.step("hang", SHORT, never).await.unwrap_err();
    assert_eq!(error.to_string(), "hang took longer than 50 ms");
}

#[tokio::test]
async fn an_interrupt_ends_a_step_at_once_and_what_it_began_is_undone() {
    let mut bed = Bed::new();
    let run = bed.run.clone();
    let step = async {
        let child = run.supervise(crate::bed::shell("a", "exec sleep 600"))?;
        bed.signals.raise();
        child.line(&generous(), |_| Some(())).await
    };
    let error = bed.run.step("up", LONG, step).await.unwrap_err();
    assert!(matches!(error, StepError::Interrupted { .. }), "{error}");
    assert_eq!(error.class(), Class::Interrupted);
    let report = bed.run.finish().await;
    assert_eq!(report.done, ["a"]);
    assert!(report.complete());
    assert!(bed.seen().iter().any(|event| matches!(
        event,
        Event::StepFinished {
            outcome: Outcome::Interrupted,
            ..
        }
    )));
}

#[tokio::test]
async fn the_limit_of_a_step_stands_still_while_time_is_held() {
    let bed = Bed::new();
    let hold = bed.run.hold();
    let begun = std::time::Instant::now();
    let breakpoint = async {
        wait::until(&generous(), "the debugger", || async {
            match begun.elapsed() > 4 * SHORT {
                true => Probe::<(), Infallible>::Ready(()),
                false => Probe::not_yet("stopped"),
            }
        })
        .await
        .unwrap();
        drop(hold);
        Ok::<_, Infallible>(())
    };
    bed.run.step("breakpoint", SHORT, breakpoint).await.unwrap();
    assert!(bed.run.elapsed() < begun.elapsed() - 3 * SHORT);
}

#[tokio::test]
async fn every_event_is_recorded_in_the_order_in_which_the_consumer_sees_it() {
    let mut bed = Bed::new();
    for n in 0..100 {
        bed.run.events().note(format!("{n}"));
    }
    let record = std::fs::read_to_string(bed.run.dir().file(RunDir::EVENTS)).unwrap();
    let recorded: Vec<serde_json::Value> = record
        .lines()
        .map(|line| {
            let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(event.as_object_mut().unwrap().remove("at_ms").is_some(), "{line}");
            event
        })
        .collect();
    let seen: Vec<serde_json::Value> = bed
        .seen()
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .collect();
    assert_eq!(recorded, seen);
    assert_eq!(seen.len(), 100);
}

#[cfg(target_os = "linux")] // for /dev/full
#[tokio::test]
async fn a_full_disk_ends_the_record_with_one_warning_and_not_the_run() {
    let (events, mut receiver) = Events::recorded("/dev/full".as_ref()).unwrap();
    events.note("one");
    events.note("two");
    let seen: Vec<Event> = std::iter::from_fn(|| receiver.try_recv()).collect();
    let [
        Event::Note { .. },
        Event::Warning { text, hint },
        Event::Note { .. },
    ] = &seen[..]
    else {
        panic!("{seen:?}")
    };
    assert!(
        text.contains("/dev/full") && text.contains("No space left on device"),
        "{text}"
    );
    assert!(hint.as_deref().unwrap().contains("free space"));
}

#[tokio::test]
async fn the_stream_ends_with_the_run() {
    let mut bed = Bed::new();
    let counts = testbed::Counts {
        passed: 9,
        ..Default::default()
    };
    bed.run.events().emit(Event::RunFinished {
        exit_code: 0,
        counts,
        took: SHORT,
    });
    bed.run.events().note("too late");
    assert!(matches!(bed.events.recv().await, Some(Event::RunFinished { .. })));
    assert_eq!(bed.events.recv().await, None);
}

#[tokio::test]
async fn a_root_that_cannot_be_a_folder_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("target");
    std::fs::write(&file, "").unwrap();
    for root in [
        file.clone(),
        file.join("throughline"),
        "/proc/nowhere/throughline".into(),
    ] {
        let error = Run::begin(options(&root, &Signals::manual())).unwrap_err();
        let RunError::Directory { root: named, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(named, &root);
        assert_eq!(error.class(), Class::Prerequisite);
        assert!(error.hint().is_some());
    }
}

#[tokio::test]
async fn runs_have_names_of_their_own_and_the_newest_is_latest() {
    let bed = Bed::new();
    let (second, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
    assert_ne!(bed.run.id(), second.id());
    assert_eq!(second.dir().path(), bed.root().join(second.id().as_str()));
    assert_eq!(
        bed.root().join("latest").canonicalize().unwrap(),
        second.dir().path()
    );
    assert_eq!(second.id().as_str().parse::<RunId>().as_ref(), Ok(second.id()));
}

#[tokio::test]
async fn only_the_newest_finished_runs_are_kept() {
    let bed = Bed::new();
    let unfinished = {
        let (run, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
        run.undo()
            .push("cluster", testbed::Deed::command("true", [""; 0], LONG));
        run.dir().path().to_owned()
    };
    let mut finished = Vec::new();
    for _ in 0..25 {
        let (run, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
        assert!(run.finish().await.complete());
        finished.push(run.dir().path().to_owned());
    }
    let (_last, _events) = Run::begin(options(&bed.root(), &Signals::manual())).unwrap();
    let (old, new) = finished.split_at(5);
    assert!(!old.iter().any(|dir| dir.exists()), "the oldest are gone");
    assert!(new.iter().all(|dir| dir.exists()), "the newest are kept");
    assert!(unfinished.exists(), "what must still be undone is kept");
    assert!(bed.run.dir().path().exists(), "a living run is kept");
}

#[tokio::test]
async fn a_scratch_folder_is_private_and_goes_with_the_run() {
    use std::os::unix::fs::PermissionsExt;
    let bed = Bed::new();
    let scratch = bed.run.scratch("sockets").unwrap();
    assert_eq!(
        std::fs::metadata(&scratch).unwrap().permissions().mode() & 0o777,
        0o700
    );
    std::fs::write(scratch.join("file"), "").unwrap();
    assert!(bed.run.finish().await.complete());
    assert!(!scratch.exists());
    assert!(bed.run.dir().path().exists());
}

#[tokio::test]
async fn what_closes_a_run_outlasts_the_first_interrupt_and_not_the_second() {
    let bed = Bed::new();
    let closing = bed.run.closing();
    bed.signals.raise();
    let fine = || async { Ok::<_, io::Error>(()) };
    let cut = || {
        closing.step(
            "traffic given back",
            LONG,
            std::future::pending::<Result<(), io::Error>>(),
        )
    };
    assert!(bed.run.interrupted().is_cancelled());
    closing.step("traffic given back", LONG, fine()).await.unwrap();
    let (cut, ()) = tokio::join!(cut(), async { bed.signals.raise() });
    assert!(matches!(cut, Err(StepError::Interrupted { .. })), "{cut:?}");
    assert_eq!(closing.id(), bed.run.id());
}
