//! A cluster that was kept: what it needs no more, who takes it, and that nobody takes it down under a run that uses it.

use cluster::bring_up::choose;
use cluster::docker::Docker;
use cluster::kind::Kind;
use cluster::{KindEnvironment, Pins, kind_config};
use rstest::rstest;
use serde_json::json;
use testbed::{
    Environment, EnvironmentName, EventReceiver, LeftBecause, Run, RunOptions, Signals, SweepOptions, sweep,
};

use crate::environment::{ALL, TELEPRESENCE, binaries, engine, images, machine, options, shown};
use crate::fakes::{Fakes, always};

/// Neither memory nor images in the local Docker are needed for a cluster that has them; without it they are.
#[rstest]
#[case::that_is_taken(true, "true", &[])]
#[case::that_is_not_taken(false, "true", &["memory are available", "kindest/node", "the image jaegertracing/jaeger"])]
#[case::that_does_not_run(true, "false", &["memory are available", "kindest/node", "the image jaegertracing/jaeger"])]
#[tokio::test]
async fn a_kept_cluster_has_what_another_one_would_need(
    #[case] taken: bool,
    #[case] running: &str,
    #[case] lacking: &[&str],
) {
    let present = [
        "docker.io/jaegertracing/jaeger:2.13.0",
        "docker.io/otel/opentelemetry-collector-k8s:0.160.0",
    ];
    let docker = json!([
        engine(8 << 30),
        {"when": ["container", "inspect"], "stdout": running},
        {"when": ["exec"], "stdout": present.join("\n")},
        images(&ALL[3..], 1),
    ]);
    let fakes = machine(docker, "kind v0.32.0 go1.24 linux/amd64", TELEPRESENCE);
    let shown = shown(fakes.folder());
    std::fs::write(shown.proc.join("meminfo"), "MemAvailable:   1048576 kB\n").unwrap();
    let mut options = options(fakes.path(), fakes.folder());
    options.plan.reuse = taken;
    let missing = KindEnvironment::new(options).on(shown).preflight().await;
    let facts: Vec<&str> = missing.iter().map(|one| one.fact.as_str()).collect();
    assert_eq!(facts.is_empty(), lacking.is_empty(), "{facts:?}");
    for one in lacking {
        assert!(facts.iter().any(|fact| fact.contains(one)), "{one}: {facts:?}");
    }
}

fn kept(fakes: &Fakes) -> (Run, EventReceiver) {
    kept_in(fakes, "runs")
}

/// A run with `--keep` in another checkout.
fn elsewhere(fakes: &Fakes) -> (Run, EventReceiver) {
    kept_in(fakes, "runs of another checkout")
}

fn kept_in(fakes: &Fakes, root: &str) -> (Run, EventReceiver) {
    let options = RunOptions {
        root: fakes.folder().join(root),
        environment: EnvironmentName::Kind,
        keep: true,
        signals: Signals::manual(),
    };
    Run::begin(options).unwrap()
}

#[rstest]
#[case::running("true", true)]
#[case::stopped_with_docker("false", false)]
#[tokio::test]
async fn a_kept_cluster_is_taken_if_it_runs_and_made_anew_if_not(#[case] running: &str, #[case] warm: bool) {
    let name = format!("tl-kept-{}", kind_config::fingerprint(&Pins::built_in().unwrap()));
    let fakes = Fakes::new()
        .tool("docker", always(json!({"stdout": running})))
        .tool(
            "kind",
            json!([{"when": ["clusters"], "stdout": format!("tl-1234\n{name}\n")}, {"when": ["delete"]}]),
        );
    let (docker, kind) = (Docker::new(fakes.find("docker")), Kind::new(fakes.find("kind")));
    let plan = options(fakes.path(), fakes.folder()).plan;
    let (run, _events) = kept(&fakes);
    let choice = choose(&run, &plan, &docker, &kind).await.unwrap();
    assert_eq!((&choice.name, choice.warm), (&name, warm));
    let deleted = fakes.calls().iter().any(|call| call.contains("delete cluster"));
    assert_eq!(deleted, !warm);
    let error = choose(&run, &plan, &docker, &kind).await.unwrap_err();
    assert!(error.to_string().contains("is in use by run"), "{error}");
}

#[tokio::test]
async fn a_kept_cluster_is_not_taken_down_under_a_run_that_uses_it() {
    let name = format!("tl-kept-{}", kind_config::fingerprint(&Pins::built_in().unwrap()));
    // The first run finds none and can't make one; that suffices for its undo to be in the journal.
    let fakes = machine(json!([{"stdout": "true"}]), "", TELEPRESENCE).tool(
        "kind",
        json!([
            {"when": ["clusters"], "once": "before"},
            {"when": ["clusters"], "stdout": format!("{name}\n")},
            {"when": ["create"], "code": 1},
            {"when": ["delete"]},
        ]),
    );
    binaries(fakes.folder());
    let (first, _events) = kept(&fakes);
    let mut environment = KindEnvironment::new(options(fakes.path(), fakes.folder()));
    environment.up(&first).await.unwrap_err();
    drop((environment, first));

    let (docker, kind) = (Docker::new(fakes.find("docker")), Kind::new(fakes.find("kind")));
    let plan = options(fakes.path(), fakes.folder()).plan;
    let (user, _events) = elsewhere(&fakes);
    let choice = choose(&user, &plan, &docker, &kind).await.unwrap();
    assert!(choice.warm);
    let deleted = || fakes.calls().iter().any(|call| call.contains("delete cluster"));
    let down = || async {
        let options = SweepOptions {
            kept: true,
            signals: Signals::manual(),
            events: None,
        };
        let mut report = sweep(&fakes.folder().join("runs"), &options).await.unwrap();
        assert!(report.complete(), "{report:?}");
        report.swept.remove(0).undo
    };
    let report = down().await;
    let by = format!("run {} (pid {})", user.id(), std::process::id());
    let in_use = LeftBecause::InUse { by };
    let cluster = format!("kind cluster {name}");
    let left: Vec<(&str, &LeftBecause)> = report
        .left
        .iter()
        .map(|left| (left.name.as_str(), &left.because))
        .collect();
    let expected = [cluster.as_str(), "a node that Docker was still making"];
    assert_eq!(left, expected.map(|name| (name, &in_use)));
    assert!(!deleted());

    drop(choice);
    assert!(down().await.done.contains(&cluster));
    assert!(deleted());
    user.finish().await;
}
