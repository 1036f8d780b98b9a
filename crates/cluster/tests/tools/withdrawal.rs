//! What a run made in a cluster of somebody else, when it can't be taken out at once: whoever comes later still can.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cluster::context::withdraw::Withdrawal;
use serde_json::json;
use testbed::{Environment, Signals, SweepOptions, UndoReport, sweep};
use wiremock::matchers::method;
use wiremock::{Mock, Request, ResponseTemplate};

use crate::context::{environment, kubeconfig, nothing_else, server, taken};
use crate::fakes::{Fakes, run, told};
use crate::telepresence_bed::{error, fake};

/// What the undo runs as `withdraw` from now on. The one that was linked is somebody else's file.
fn replace_program(dir: &Path, script: &str) {
    let program = dir.join("withdraw");
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
}

/// What `cargo xtask down` does with the one run below the folder of the fakes.
async fn down(fakes: &Fakes) -> UndoReport {
    let options = SweepOptions {
        kept: true,
        signals: Signals::manual(),
        events: None,
    };
    let mut report = sweep(&fakes.folder().join("runs"), &options).await.unwrap();
    assert_eq!(report.swept.len(), 1, "{report:?}");
    report.swept.remove(0).undo
}

fn failed(report: &UndoReport) -> Vec<&str> {
    let failed = report.failed.iter();
    failed.map(|failure| failure.name.as_str()).collect()
}

#[tokio::test]
async fn a_withdrawal_that_failed_keeps_its_program_and_credentials_for_the_next_try() {
    let (fakes, server) = (fake("2.31.2", &[]), server(&[]).await);
    taken(&server).await;
    nothing_else(&server).await;
    kubeconfig(fakes.folder(), "staging", &server.uri());
    let (run, _events) = run(fakes.folder());
    let mut environment = environment(&fakes, "staging", true);
    environment.up(&run).await.unwrap_err();
    let dir = run.dir().path().to_owned();
    let there = || ["kubeconfig", "withdraw"].map(|name| dir.join(name).exists());
    // `/bin/false` stands for a cluster that can't be reached.
    assert_eq!(failed(&run.finish().await), ["objects in staging"]);
    assert_eq!(there(), [true, true]);
    drop((environment, run));
    assert_eq!(failed(&down(&fakes).await), ["objects in staging"]);
    assert_eq!(there(), [true, true], "also after a sweep");

    replace_program(&dir, "test \"$1\" = withdraw && test -e \"${0%/*}/kubeconfig\"");
    let report = down(&fakes).await;
    assert!(report.complete(), "{report:?}");
    assert_eq!(there(), [false, false]);
}

#[tokio::test]
async fn a_traffic_manager_that_stayed_keeps_the_credentials_for_the_next_try() {
    let refusal = json!({"when": ["helm"], "stdout": error("the API server does not answer"), "code": 1});
    let (fakes, server) = (fake("2.31.2", &[refusal]), server(&[]).await);
    let echo = |request: &Request| ResponseTemplate::new(201).set_body_bytes(request.body.clone());
    Mock::given(method("POST"))
        .respond_with(echo)
        .mount(&server)
        .await;
    nothing_else(&server).await;
    kubeconfig(fakes.folder(), "staging", &server.uri());
    let (run, _events) = run(fakes.folder());
    let mut environment = environment(&fakes, "staging", true);
    let error = environment.up(&run).await.unwrap_err();
    assert!(
        run.undo().names().contains(&"traffic manager".to_owned()),
        "{}",
        told(&*error)
    );
    let dir = run.dir().path().to_owned();
    replace_program(&dir, "exit 0");
    assert_eq!(failed(&run.finish().await), ["traffic manager"]);
    let there = || ["kubeconfig", "withdraw"].map(|name| dir.join(name).exists());
    assert_eq!(there(), [true, false]);
    drop((environment, run));

    let fakes = fakes.tool("telepresence", json!([{"when": ["helm", "uninstall"]}]));
    let report = down(&fakes).await;
    assert_eq!(report.done, ["traffic manager", "kubeconfig of the run"]);
    assert_eq!(there(), [false, false]);
}

#[tokio::test]
async fn each_node_loses_what_was_put_into_it_and_nothing_else() {
    let list = "REF TYPE DIGEST\ndocker.io/a/b:1 x sha256:a\ndocker.io/c/d:2 x sha256:b\n";
    let fakes = Fakes::new().tool(
        "docker",
        json!([{"when": ["ls"], "stdout": list}, {"when": ["rm"]}]),
    );
    let put = [
        ("x-control-plane", "docker.io/a/b:1"),
        ("x-worker", "docker.io/c/d:2"),
    ];
    let withdrawal = Withdrawal {
        kubeconfig: fakes.folder().join("none"),
        run: "7f3a-00112233".into(),
        images: put
            .map(|(node, image)| (node.to_owned(), vec![image.to_owned()]))
            .into(),
    };
    // The cluster can't be asked any more; its nodes are there all the same.
    withdrawal.perform(&fakes.path()).await.unwrap_err();
    let removals: Vec<String> = fakes
        .calls()
        .into_iter()
        .filter(|call| call.contains(" rm "))
        .collect();
    let expected =
        put.map(|(node, image)| format!("docker exec {node} ctr --namespace=k8s.io images rm {image}"));
    assert_eq!(removals, expected);
}
