//! Docker as the crate asks it: whether the engine answers, which images are there, which ports are published.

use cluster::ImageRef;
use cluster::docker::{Docker, DockerError};
use cluster::node::Node;
use rstest::{Context, rstest};
use serde_json::json;

use crate::fakes::{Fakes, always, generous, told};

fn docker(fakes: &Fakes) -> Docker {
    Docker::new(fakes.find("docker"))
}

fn image(text: &str) -> ImageRef {
    text.parse().unwrap()
}

#[rstest]
#[case::down(
    "",
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
    1
)]
#[case::down_with_answer(r#"{"ServerVersion":"","ServerErrors":["Cannot connect to the Docker daemon at unix:///fake.sock. Is the docker daemon running?"]}"#, "", 0)]
#[case::forbidden(
    "",
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n",
    1
)]
#[case::odd("<html>", "", 0)]
#[tokio::test]
async fn an_engine_that_does_not_answer_is_told(
    #[case] stdout: &str,
    #[case] stderr: &str,
    #[case] code: u8,
    #[context] context: Context,
) {
    let fakes = Fakes::new().tool(
        "docker",
        always(json!({"stdout": stdout, "stderr": stderr, "code": code})),
    );
    let error = docker(&fakes).engine(&generous()).await.unwrap_err();
    let folder = fakes.folder().display().to_string();
    insta::assert_snapshot!(
        format!("engine_{}", context.description.unwrap()),
        told(&error).replace(&folder, "[bin]")
    );
}

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn images_are_there_by_tag_or_pinned_digest() {
    let found = json!([
        // As `docker pull name:tag@sha256:…` leaves it.
        {"RepoTags": [], "RepoDigests": [format!("e/f@{DIGEST}")]},
        {"RepoTags": ["jaegertracing/jaeger:2.13.0"], "RepoDigests": [format!("jaegertracing/jaeger@{DIGEST}")]},
        {"RepoTags": ["busybox:1", "registry.example.com/a:1"], "RepoDigests": []},
    ]);
    let rule = json!({"stdout": found.to_string(), "stderr": "Error: No such image: x/y:1\n", "code": 1});
    let fakes = Fakes::new().tool("docker", always(rule));
    let wanted = [
        image("jaegertracing/jaeger:2.13.0"),
        image(&format!("docker.io/jaegertracing/jaeger:2.13.0@{DIGEST}")),
        image(&format!("jaegertracing/jaeger:2.13.0@sha256:{}", "f".repeat(64))),
        image("docker.io/library/busybox:1"),
        image("registry.example.com/a:1"),
        image(&format!("busybox:1@{DIGEST}")),
        image("x/y:1"),
        image(&format!("docker.io/e/f:3@{DIGEST}")),
        image("e/f:3"),
    ];
    let lacks = docker(&fakes)
        .lacks(&wanted.each_ref(), &generous())
        .await
        .unwrap();
    assert_eq!(lacks, [2, 5, 6, 8].map(|at: usize| wanted[at].clone()));
    let asked = fakes.calls().remove(0);
    assert!(
        asked.ends_with(&format!(" docker.io/e/f@{DIGEST} e/f:3")),
        "{asked}"
    );
}

#[tokio::test]
async fn for_no_image_at_all_it_is_not_asked() {
    let manual =
        "\"docker image inspect\" requires at least 1 argument.\nSee 'docker image inspect --help'.\n";
    let fakes = Fakes::new().tool("docker", always(json!({"stderr": manual, "code": 1})));
    assert_eq!(docker(&fakes).lacks(&[], &generous()).await.unwrap(), []);
    assert_eq!(fakes.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn images_can_t_be_looked_for_without_an_engine() {
    let stderr = "Cannot connect to the Docker daemon at unix:///fake.sock. Is the docker daemon running?\n";
    let fakes = Fakes::new().tool(
        "docker",
        always(json!({"stdout": "[]", "stderr": stderr, "code": 1})),
    );
    let error = docker(&fakes)
        .lacks(&[&image("x/y:1")], &generous())
        .await
        .unwrap_err();
    assert!(matches!(error, DockerError::Unreachable { .. }), "{error}");
}

#[rstest]
#[case("127.0.0.1:40001\n", Some("127.0.0.1:40001"))]
#[case("0.0.0.0:40001\n[::]:40001\n", Some("0.0.0.0:40001"))]
#[case("\n", None)]
#[tokio::test]
async fn published_ports_are_read(#[case] stdout: &str, #[case] address: Option<&str>) {
    let fakes = Fakes::new().tool("docker", always(json!({"stdout": stdout})));
    let found = docker(&fakes)
        .published("tl-control-plane", 30080, &generous())
        .await;
    assert_eq!(found.ok().map(|found| found.to_string()).as_deref(), address);
    assert_eq!(fakes.calls(), ["docker port tl-control-plane 30080/tcp"]);
}

#[tokio::test]
async fn an_image_pulled_by_its_digest_gets_its_tag() {
    let fakes = Fakes::new().tool("docker", always(json!({})));
    docker(&fakes)
        .pull(&image(&format!("a/b:1@{DIGEST}")), &generous())
        .await
        .unwrap();
    docker(&fakes).pull(&image("c/d:1"), &generous()).await.unwrap();
    assert_eq!(
        fakes.calls(),
        [
            format!("docker pull --quiet a/b:1@{DIGEST}"),
            format!("docker tag a/b@{DIGEST} a/b:1"),
            "docker pull --quiet c/d:1".to_owned(),
        ]
    );
}

#[tokio::test]
async fn an_image_that_somebody_pulled_by_its_digest_is_saved_under_its_tag() {
    let pinned = image(&format!("a/b:1@{DIGEST}"));
    let tagged = format!("docker tag a/b@{DIGEST} a/b:1");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved");
    let fakes = Fakes::new().tool("docker", always(json!({})));
    docker(&fakes)
        .save_into(&file, &[&pinned, &image("c/d:1")], &generous())
        .await
        .unwrap();
    let saved = format!("docker save --output {} a/b:1 c/d:1", file.display());
    assert_eq!(fakes.calls(), [tagged.clone(), saved]);

    let fakes = Fakes::new().tool("docker", always(json!({})));
    Node::of_cluster(docker(&fakes), "tl")
        .import_from_docker(&[pinned], &generous())
        .await
        .unwrap();
    assert_eq!(fakes.calls()[0], tagged, "before both ends of the pipe");
}
