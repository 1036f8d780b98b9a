//! What the environment is asked for, from scenario to scenario.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use jaeger_api::JaegerClient;
use testbed::environment::nobody;
use testbed::{
    Accountant, Arrangement, BoxError, Collected, Disturbance, Endpoints, Environment, EnvironmentName,
    Missing, Run, RunOptions, Signals,
};
use trace::settle::Limits;

use super::*;
use crate::bed::Bed;
use crate::caller::Caller;
use crate::places::Binaries;
use crate::proof::Prover;

/// One that notes what it is asked for, and may refuse to intercept.
struct Noting {
    asked: Arc<Mutex<Vec<String>>>,
    refuses: bool,
}

impl Noting {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

impl Environment for Noting {
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
        Box::pin(async { Err(refusal()) })
    }

    fn intercept<'a>(
        &'a mut self,
        _: &'a Run,
        spec: &'a InterceptSpec,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        self.note(format!("intercept {}", spec.target.port()));
        let refuses = self.refuses;
        Box::pin(async move { if refuses { Err(refusal()) } else { Ok(()) } })
    }

    fn leave<'a>(&'a mut self, _: &'a Run, workload: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        self.note(format!("leave {workload}"));
        Box::pin(async { Ok(()) })
    }

    fn disturb(&mut self, _: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn accountant(&self) -> Accountant {
        nobody()
    }

    fn collect<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Vec<Collected>> {
        Box::pin(async { Vec::new() })
    }
}

fn refusal() -> BoxError {
    std::io::Error::other("not in this test").into()
}

/// A bed whose environment notes, and the notes.
fn bed(folder: &Path, refuses: bool) -> (Bed, Arc<Mutex<Vec<String>>>) {
    const NOWHERE: &str = "http://127.0.0.1:9";
    let (run, _) = Run::begin(RunOptions {
        root: folder.to_owned(),
        environment: EnvironmentName::Kind,
        keep: false,
        signals: Signals::manual(),
    })
    .unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let environment = Noting {
        asked: asked.clone(),
        refuses,
    };
    let bed = Bed {
        run,
        environment: Box::new(environment),
        connected: true,
        arrangement: Some(Arrangement::Deployed),
        intercepted: None,
        debuggers: crate::bed::Debuggers::default(),
        endpoints: Endpoints {
            storefront: NOWHERE.to_owned(),
            jaeger: NOWHERE.to_owned(),
            otlp_http: NOWHERE.to_owned(),
            workstation_otlp: NOWHERE.to_owned(),
            workstation_inventory: NOWHERE.to_owned(),
            workstation_order: NOWHERE.to_owned(),
            workstation_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        },
        jaeger: JaegerClient::new(NOWHERE).unwrap(),
        caller: Caller::new(NOWHERE).unwrap(),
        prover: Prover::new(NOWHERE, EnvironmentName::Kind).unwrap(),
        http: reqwest::Client::new(),
        limits: Limits::default(),
        binaries: Binaries::in_folder(folder),
    };
    (bed, asked)
}

fn spec(port: u16) -> InterceptSpec {
    InterceptSpec {
        workload: ORDER.to_owned(),
        selection: Selection::All,
        target: SocketAddr::from(([127, 0, 0, 1], port)),
    }
}

#[tokio::test]
async fn the_same_intercept_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bed, asked) = bed(folder.path(), false);
    for _ in 0..3 {
        Stage::new(&mut bed, None).take_over(spec(8080)).await.unwrap();
    }
    assert_eq!(*asked.lock().unwrap(), ["intercept 8080"]);
}

#[tokio::test]
async fn another_one_ends_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bed, asked) = bed(folder.path(), false);
    for port in [8080, 9090] {
        Stage::new(&mut bed, None).take_over(spec(port)).await.unwrap();
    }
    Stage::new(&mut bed, None).release().await.unwrap();
    // There is none any more.
    Stage::new(&mut bed, None).release().await.unwrap();
    let all = [
        "intercept 8080",
        "leave order-service",
        "intercept 9090",
        "leave order-service",
    ];
    assert_eq!(*asked.lock().unwrap(), all);
}

#[tokio::test]
async fn a_scenario_about_intercepts_begins_without_one() {
    let cases: [(&[Capability], bool); 5] = [
        (&[], true),
        (&[Capability::Debugger, Capability::OpenSpans], true),
        (&[Capability::Arrange], false),
        (&[Capability::Mishaps], false),
        (&[Capability::Debugger, Capability::Connection], false),
    ];
    for (needs, stays) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (mut bed, asked) = bed(folder.path(), false);
        let mut stage = Stage::new(&mut bed, None);
        stage.take_over(spec(8080)).await.unwrap();
        stage.begin_without(needs).await.unwrap();
        assert_eq!(asked.lock().unwrap().len() == 1, stays, "{needs:?}");
    }
}

#[tokio::test]
async fn one_that_was_refused_is_left_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bed, asked) = bed(folder.path(), true);
    let mut stage = Stage::new(&mut bed, None);
    stage.take_over(spec(8080)).await.unwrap_err();
    let (_, cleared) = stage.clear(false).await;
    cleared.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["intercept 8080", "leave order-service"]);
}

#[tokio::test]
async fn one_without_a_process_does_not_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bed, asked) = bed(folder.path(), false);
    let mut stage = Stage::new(&mut bed, None);
    stage.take_over(spec(8080)).await.unwrap();
    assert!(!stage.may_stand());
    let (_, cleared) = stage.clear(true).await;
    cleared.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["intercept 8080", "leave order-service"]);
}
