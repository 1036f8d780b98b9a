//! Images in the cluster's node: listed once it is ready, and brought into it.

use std::time::Duration;

use cluster::docker::{Docker, DockerError};
use cluster::node::Node;
use serde_json::json;
use testbed::Deadline;

use crate::fakes::{Fakes, always, generous, told};

fn node(fakes: &Fakes) -> Node {
    Node::of_cluster(Docker::new(fakes.find("docker")), "tl-7f3a")
}

#[tokio::test]
async fn the_images_are_listed_once_there_is_a_node_with_a_containerd() {
    let fakes = Fakes::new().tool(
        "docker",
        json!([
            {"once": "no-container", "stderr": "Error: No such container: tl-7f3a-control-plane\n", "code": 1},
            {"once": "no-containerd", "code": 75},
            {"stdout": "docker.io/jaegertracing/jaeger:2.13.0\nsha256:abc\n\n"},
        ]),
    );
    let images = node(&fakes).images(&generous()).await.unwrap();
    assert_eq!(images.len(), 2);
    assert!(images.contains("docker.io/jaegertracing/jaeger:2.13.0"));
    assert_eq!(fakes.calls().len(), 3);
    assert!(
        fakes.calls()[0].starts_with("docker exec tl-7f3a-control-plane sh -c "),
        "{}",
        fakes.calls()[0]
    );
}

#[tokio::test]
async fn waiting_for_a_node_that_never_comes_says_what_was_seen_last() {
    let rule = json!({"stderr": "Error: No such container: tl-7f3a-control-plane\n", "code": 1});
    let fakes = Fakes::new().tool("docker", always(rule));
    let error = node(&fakes)
        .images(&Deadline::after(Duration::from_millis(500)))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("containerd in the node: not there after"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("No such container: tl-7f3a-control-plane"),
        "{error}"
    );
}

#[tokio::test]
async fn waiting_ends_at_once_when_docker_goes_away() {
    let stderr = "Cannot connect to the Docker daemon at unix:///fake.sock. Is the docker daemon running?\n";
    let fakes = Fakes::new().tool("docker", always(json!({"stderr": stderr, "code": 1})));
    let error = node(&fakes).kubeconfig(&generous()).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @r#"
    error: kubeadm's kubeconfig in the node: the Docker Engine can't be reached: Cannot connect to the Docker daemon at unix:///fake.sock. Is the docker daemon running?
    hint: start Docker and check with `docker info`
    "#);
}

#[tokio::test]
async fn an_archive_goes_through_stdin() {
    let fakes = Fakes::new().tool("docker", always(json!({})));
    node(&fakes)
        .import(vec![7; 1_000_000], &generous())
        .await
        .unwrap();
    assert_eq!(
        fakes.calls(),
        ["docker exec --interactive tl-7f3a-control-plane ctr --namespace=k8s.io images import -"]
    );
    assert_eq!(fakes.records()[0]["stdin_bytes"], 1_000_000);
}

#[tokio::test]
async fn images_go_from_docker_to_the_node_through_one_pipe() {
    let fakes = Fakes::new().tool("docker", json!([{"when": ["save"], "stdout": "archive"}, {}]));
    let images = ["a/b:1".parse().unwrap(), "c/d:2".parse().unwrap()];
    node(&fakes)
        .import_from_docker(&images, &generous())
        .await
        .unwrap();
    let mut calls = fakes.calls();
    calls.sort();
    assert_eq!(calls[1], "docker save a/b:1 c/d:2");
    let import = fakes
        .records()
        .into_iter()
        .find(|call| call["args"][0] == "exec")
        .unwrap();
    assert_eq!(import["stdin_bytes"], 7);
}

#[tokio::test]
async fn an_archive_that_the_node_sees_is_imported_where_it_is() {
    let node_with = |code: u8| Fakes::new().tool("docker", always(json!({"code": code})));
    let fakes = node_with(0);
    let imported = node(&fakes).import_file("/images/a b.tar", &generous()).await;
    assert!(imported.unwrap());
    let calls = fakes.records();
    assert_eq!(
        calls[0]["args"].as_array().unwrap().last().unwrap(),
        "/images/a b.tar"
    );
    assert_eq!(calls[0]["stdin_bytes"], 0);
    // 66: not there. Anything else is containerd's own.
    assert!(
        !node(&node_with(66))
            .import_file("/images/a.tar", &generous())
            .await
            .unwrap()
    );
    node(&node_with(1))
        .import_file("/images/a.tar", &generous())
        .await
        .unwrap_err();
}

#[tokio::test]
async fn a_full_disk_in_the_node_is_told() {
    let stderr = "ctr: failed to ingest \"blobs/x\": write /var/lib/containerd/ingest: no space left on device: unknown\n";
    let fakes = Fakes::new().tool("docker", always(json!({"stderr": stderr, "code": 1})));
    let error = node(&fakes).import(Vec::new(), &generous()).await.unwrap_err();
    assert!(matches!(error, DockerError::DiskFull { .. }), "{error}");
}

#[tokio::test]
async fn the_image_that_docker_lacks_is_blamed_and_not_the_pipe() {
    let fakes = Fakes::new().tool(
        "docker",
        json!([
            {"when": ["save"], "stderr": "Error response from daemon: reference does not exist\n", "code": 1},
            {"stderr": "ctr: unrecognized image format\n", "code": 1},
        ]),
    );
    let error = node(&fakes)
        .import_from_docker(&["a/b:1".parse().unwrap()], &generous())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("reference does not exist"), "{error}");
}

#[tokio::test]
async fn pods_are_led_to_the_api_server_and_it_is_waited_for_where_they_look_for_it() {
    for (service, tables, url) in [
        ("10.96.0.1", "iptables", "https://10.96.0.1/livez"),
        ("fd00::1", "ip6tables", "https://[fd00::1]/livez"),
    ] {
        let fakes = Fakes::new().tool(
            "docker",
            json!([{"once": "no-server-yet", "code": 75}, {"stdout": ""}]),
        );
        node(&fakes)
            .lead_to_the_api_server(service.parse().unwrap(), &generous())
            .await
            .unwrap();
        let calls = fakes.calls();
        assert_eq!(calls.len(), 2);
        for part in [url, &format!(" {tables} -w "), &format!(" -d {service} ")] {
            assert!(calls[1].contains(part), "{part} is not in {}", calls[1]);
        }
    }
}
