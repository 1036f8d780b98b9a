//! Tools that hang, babble, or answer as older ones did: what the user is told, word for word.

use std::time::Duration;

use cluster::docker::Docker;
use cluster::kind::Kind;
use serde_json::json;
use testbed::{Deadline, Selection};

use crate::fakes::{Fakes, always, generous, told};
use crate::telepresence_bed::Bed;

/// Long enough for a fake to begin, and far too short for one that hangs.
fn short() -> Deadline {
    Deadline::after(Duration::from_millis(300))
}

#[tokio::test]
async fn a_tool_that_hangs_is_given_up_and_named() {
    let hangs = || always(json!({"hang": true}));
    let version = json!({"when": ["version"], "stdout": "OSS Client : v2.31.2\n"});
    let fakes = Fakes::new()
        .tool("docker", hangs())
        .tool("kind", hangs())
        .tool("telepresence", json!([version, {"hang": true}]));
    let (docker, kind) = (Docker::new(fakes.find("docker")), Kind::new(fakes.find("kind")));
    let bed = Bed::new(Fakes::new().tool("telepresence", hangs()));
    let missing = bed.telepresence.preflight(&short()).await;
    let all = [
        told(&docker.engine(&short()).await.unwrap_err()),
        told(&kind.clusters(&short()).await.unwrap_err()),
        format!("fact: {}\ncure: {}", missing[0].fact, missing[0].cure),
    ];
    let folders = [fakes.folder(), bed.fakes.folder()].map(|folder| folder.display().to_string());
    let text = folders
        .iter()
        .fold(all.join("\n\n"), |text, folder| text.replace(folder, "[bin]"));
    // What was left of the limit when the tool was begun.
    let words = text.split(' ').map(|word| {
        if word.parse::<u32>().is_ok() {
            "[some]"
        } else {
            word
        }
    });
    insta::assert_snapshot!("hangs", words.collect::<Vec<_>>().join(" "));
}

#[tokio::test]
async fn a_docker_that_babbles_is_read_to_its_last_words() {
    let noise = "Pulling fs layer ".to_owned() + &"=".repeat(2000) + "\n";
    let rules = json!([
        {"when": ["pull"], "stderr": format!("{noise}Error response from daemon: manifest unknown\n"), "babble": 2000, "code": 1},
        {"when": ["info"], "stdout": noise, "babble": 2000},
    ]);
    let fakes = Fakes::new().tool("docker", rules);
    let docker = Docker::new(fakes.find("docker"));
    let image = "registry.example.com/a:1".parse().unwrap();
    let all = [
        told(&docker.pull(&image, &generous()).await.unwrap_err()),
        told(&docker.engine(&generous()).await.unwrap_err()),
    ];
    let folder = fakes.folder().display().to_string();
    insta::assert_snapshot!("docker_babbles", all.join("\n\n").replace(&folder, "[bin]"));
}

/// As 2.29 answers: in an envelope, and an intercept is left by its old name.
#[tokio::test]
async fn an_older_telepresence_is_understood() {
    let in_envelope = |verb: &str, answer: serde_json::Value| {
        let said = json!({"cmd": verb, "stdout": answer}).to_string();
        json!({"when": [verb], "stdout": said})
    };
    let rules = json!([
        {"when": ["version"], "stdout": "OSS Client : v2.29.3\n"},
        {"when": ["status"], "stdout": "{}"},
        in_envelope("connect", json!({"status": "Connected"})),
        in_envelope("list", json!([{"name": "order-service"}, {"name": "storefront"}])),
        in_envelope("intercept", json!({"name": "order-service", "disposition": "ACTIVE"})),
        in_envelope("leave", json!(null)),
        in_envelope("quit", json!(null)),
    ]);
    let mut bed = Bed::new(Fakes::new().tool("telepresence", rules));
    bed.connect().await.unwrap();
    let listed = bed.telepresence.list(&bed.run).await.unwrap();
    assert_eq!(listed, ["order-service", "storefront"]);
    bed.intercept(Selection::All).await.unwrap();
    bed.leave().await.unwrap();
    let report = bed.run.finish().await;
    assert!(report.complete(), "{report:?}");
    insta::assert_snapshot!("older_telepresence", bed.fakes.calls().join("\n"));
}
