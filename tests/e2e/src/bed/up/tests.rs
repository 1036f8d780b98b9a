//! Environments that do not come up.

use std::path::Path;

use futures_util::future::BoxFuture;
use testbed::environment::nobody;
use testbed::{
    Accountant, Capability, Collected, Disturbance, EnvironmentName, Event, EventReceiver, InterceptSpec,
    Missing, RunOptions, Signals,
};

use super::*;

/// One whose start never ends, and that knows why.
struct Hanging;

impl Environment for Hanging {
    fn name(&self) -> EnvironmentName {
        EnvironmentName::Kind
    }

    fn cannot_prove(&self) -> Option<&'static str> {
        None
    }

    fn can(&self, _: Capability) -> bool {
        false
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<Missing>> {
        Box::pin(async { Vec::new() })
    }

    fn up<'a>(&'a mut self, _: &'a Run) -> BoxFuture<'a, Result<Endpoints, BoxError>> {
        Box::pin(std::future::pending())
    }

    fn intercept<'a>(&'a mut self, _: &'a Run, _: &'a InterceptSpec) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn leave<'a>(&'a mut self, _: &'a Run, _: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn disturb(&mut self, _: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn accountant(&self) -> Accountant {
        nobody()
    }

    fn collect<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Vec<Collected>> {
        let what = "why it hangs".to_owned();
        let path = "evidence/why".into();
        Box::pin(async { vec![Collected { what, path }] })
    }
}

fn run(folder: &Path) -> (Run, EventReceiver) {
    Run::begin(RunOptions {
        root: folder.to_owned(),
        environment: EnvironmentName::Kind,
        keep: false,
        signals: Signals::manual(),
    })
    .unwrap()
}

fn has_collected(mut events: EventReceiver) -> bool {
    std::iter::from_fn(|| events.try_recv()).any(|event| matches!(event, Event::Collected { .. }))
}

#[tokio::test]
async fn one_that_takes_too_long_is_no_interrupt_and_leaves_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let (run, events) = run(folder.path());
    let limit = Duration::from_millis(50);
    let error = bring_up(&run, &mut Hanging, limit).await.unwrap_err();
    assert!(matches!(error, UpError::TookTooLong { .. }), "{error:?}");
    assert_eq!(error.to_string(), "it was not up after 50 ms");
    assert!(error.hint().is_some());
    assert!(has_collected(events));
}

#[tokio::test]
async fn ctrl_c_is_an_interrupt_whatever_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (run, events) = run(folder.path());
    run.signals().raise();
    let error = bring_up(&run, &mut Hanging, UP_LIMIT).await.unwrap_err();
    assert!(matches!(error, UpError::Interrupted), "{error:?}");
    assert!(!has_collected(events), "the user is in a hurry");
}
