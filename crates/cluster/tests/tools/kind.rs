//! Clusters made, listed and deleted through kind, and its failures told as facts with a cure.

use std::path::Path;
use std::time::Duration;

use cluster::kind::{ClusterSpec, Kind, KindError};
use cluster::tool::ToolPath;
use rstest::{Context, rstest};
use serde_json::json;
use testbed::Deadline;

use crate::fakes::{Fakes, always, generous, run, told};

/// Creates a cluster with a kind that fails with these words, and tells what people see.
async fn failed_creation(stderr: &str) -> String {
    let fakes = Fakes::new().tool(
        "kind",
        json!([{"when": ["create"], "stderr": stderr, "code": 1}, {"when": ["delete"]}]),
    );
    let (run, _events) = run(fakes.folder());
    let error = create(&fakes, &run, &generous()).await.unwrap_err();
    let log = run.dir().log("kind").display().to_string();
    assert!(run.finish().await.complete());
    told(&error).replace(&log, "[log]")
}

async fn create(fakes: &Fakes, run: &testbed::Run, deadline: &Deadline) -> Result<(), KindError> {
    let spec = ClusterSpec {
        name: "tl-7f3a".into(),
        config: "{}".into(),
        image: "kindest/node:v1".into(),
        kubeconfig: run.dir().file("kubeconfig"),
        leased: None,
    };
    Kind::new(fakes.find("kind"))
        .create(run, &spec, deadline)
        .await
        .map(drop)
}

const PROGRESS: &str =
    "Creating cluster \"tl-7f3a\" ...\n • Ensuring node image (kindest/node:v1.34.4) 🖼  ...\n";

#[rstest]
#[case::exists(
    "ERROR: failed to create cluster: node(s) already exist for a cluster with the name \"tl-7f3a\"\n"
)]
#[case::image(
    "ERROR: failed to create cluster: failed to pull image \"kindest/node:v9.9.9\": command \"docker pull kindest/node:v9.9.9\" failed with error: exit status 1\n\nCommand Output: Error response from daemon: manifest unknown\n"
)]
#[case::port(
    "ERROR: failed to create cluster: command \"docker run --name tl-7f3a-control-plane\" failed with error: exit status 125\nCommand Output: b2a1\ndocker: Error response from daemon: driver failed programming external connectivity on endpoint tl-7f3a-control-plane: Error starting userland proxy: listen tcp4 127.0.0.1:39999: bind: address already in use.\n"
)]
#[case::docker(
    "ERROR: failed to create cluster: failed to get docker info: command \"docker info --format '{{json .}}'\" failed with error: exit status 1\nCommand Output: {\"ID\":\"\",\"Containers\":0}\nCannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n"
)]
#[case::config(
    "ERROR: failed to create cluster: unable to decode config: yaml: unmarshal errors:\n  line 3: field nodez not found in type v1alpha4.Cluster\n"
)]
#[case::name(
    "ERROR: failed to create cluster: 'Lab_2' is not a valid cluster name, cluster names must match `^[a-z0-9.-]+$`\n"
)]
#[case::kubeadm(
    "ERROR: failed to create cluster: failed to init node with kubeadm: command \"docker exec --privileged tl-7f3a-control-plane kubeadm init\" failed with error: exit status 1\nCommand Output: error: timed out waiting for the condition\n"
)]
#[case::disk(
    "ERROR: failed to create cluster: command \"docker run\" failed with error: exit status 125\nCommand Output: docker: Error response from daemon: mkdir /var/lib/docker/overlay2/x: no space left on device.\n"
)]
#[case::mount(
    "ERROR: failed to create cluster: command \"docker run --name tl-7f3a-control-plane\" failed with error: exit status 126\nCommand Output: docker: Error response from daemon: error while creating mount source path '/project/images': mkdir /project: read-only file system.\n\nRun 'docker run --help' for more information\n"
)]
#[case::silence("")]
#[tokio::test]
async fn a_failed_creation_is_told_as_a_fact_with_a_cure(#[case] stderr: &str, #[context] context: Context) {
    let told = failed_creation(&format!("{PROGRESS}{stderr}")).await;
    insta::assert_snapshot!(format!("create_{}", context.description.unwrap()), told);
}

#[tokio::test]
async fn a_babbling_kind_is_read_to_its_last_words() {
    let noise = "Command Output: {\"ID\":\"".to_owned() + &"x".repeat(3000) + "\"}\n";
    let fakes = Fakes::new().tool(
        "kind",
        json!([
            {"when": ["create"], "stderr": noise, "babble": 2000, "code": 1},
            {"when": ["delete"]},
        ]),
    );
    let (run, _events) = run(fakes.folder());
    let error = create(&fakes, &run, &generous()).await.unwrap_err();
    assert!(matches!(&error, KindError::Other { .. }), "{error:?}");
    assert!(run.finish().await.complete());
}

#[tokio::test]
async fn the_deletion_is_on_the_stack_before_the_creation_and_runs_after_kind_itself_is_gone() {
    let fakes = Fakes::new().tool(
        "kind",
        json!([{"when": ["create"], "hang": true}, {"when": ["delete"]}]),
    );
    let (run, _events) = run(fakes.folder());
    let error = create(&fakes, &run, &Deadline::after(Duration::from_millis(300)))
        .await
        .unwrap_err();
    assert!(matches!(&error, KindError::Process(_)), "{error:?}");
    let report = run.finish().await;
    assert!(report.complete(), "{report:?}");
    let undone = [
        "kind",
        "kind cluster tl-7f3a",
        "a node that Docker was still making",
    ];
    assert_eq!(report.done, undone);
    let kubeconfig = run.dir().file("kubeconfig").display().to_string();
    let delete = format!("kind delete cluster --name tl-7f3a --kubeconfig {kubeconfig}");
    assert_eq!(fakes.calls().last(), Some(&delete));
}

#[tokio::test]
async fn a_node_that_docker_makes_for_a_killed_kind_is_waited_for_and_removed() {
    // The name is taken until the node is there and can be removed.
    let script = r#"#!/bin/sh
echo "$*" >>"$0.calls"
case $1 in
create) [ -e "$0.removed" ] || { echo 'Conflict. The container name "/x" is already in use by container "ab"' >&2; exit 1; } ;;
rm) [ "$(grep -c '^rm ' "$0.calls")" -lt 3 ] || : >"$0.removed" ;;
esac
"#;
    let folder = tempfile::tempdir().unwrap();
    let docker = folder.path().join("docker");
    std::fs::write(&docker, script).unwrap();
    std::fs::set_permissions(&docker, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let kind = folder.path().join("kind");
    std::fs::write(&kind, "#!/bin/sh\n[ \"$1\" = create ] && exit 1\nexit 0\n").unwrap();
    std::fs::set_permissions(&kind, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let tools = ToolPath::from_lookup(|key| (key == "PATH").then(|| path.clone().into()));
    let (run, _events) = run(folder.path());
    let spec = ClusterSpec {
        name: "tl-7f3a".into(),
        config: "{}".into(),
        image: "kindest/node:v1".into(),
        kubeconfig: run.dir().file("kubeconfig"),
        leased: None,
    };
    let kind = Kind::new(tools.find("kind", "test").unwrap());
    kind.create(&run, &spec, &generous()).await.unwrap_err();
    let report = run.finish().await;
    assert!(report.complete(), "{report:?}");
    let calls = std::fs::read_to_string(folder.path().join("docker.calls")).unwrap();
    let create = "create --pull never --name tl-7f3a-control-plane kindest/node:v1";
    let rm = "rm -f -v tl-7f3a-control-plane";
    let expected = [create, rm, create, rm, create, rm, create, rm];
    assert_eq!(calls.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_created_cluster_stays_on_the_stack() {
    let fakes = Fakes::new().tool("kind", json!([{}]));
    let (run, _events) = run(fakes.folder());
    create(&fakes, &run, &generous()).await.unwrap();
    let call = &fakes.records()[0];
    assert_eq!(call["docker_host"], "unix:///fake.sock");
    assert_eq!(call["kubeconfig"], json!(null), "never the user's own");
    let report = run.finish().await;
    assert_eq!(report.done[0], "kind cluster tl-7f3a");
}

#[rstest]
#[case("kind v0.32.0 go1.24.6 linux/amd64\n", Some("0.32.0"))]
#[case("kind v0.33.0-alpha+4f3 go1.25 linux/amd64\n", Some("0.33.0"))]
#[case("who knows\n", None)]
#[tokio::test]
async fn the_version_is_read(#[case] stdout: &str, #[case] version: Option<&str>) {
    let fakes = Fakes::new().tool("kind", always(json!({"stdout": stdout})));
    let found = Kind::new(fakes.find("kind")).version(&generous()).await;
    assert_eq!(found.ok().map(|found| found.to_string()).as_deref(), version);
}

#[rstest]
#[case("tl-7f3a\nother\n", "", &["tl-7f3a", "other"])]
#[case("", "No kind clusters found.\n", &[])]
#[tokio::test]
async fn clusters_are_listed(#[case] stdout: &str, #[case] stderr: &str, #[case] names: &[&str]) {
    let fakes = Fakes::new().tool("kind", always(json!({"stdout": stdout, "stderr": stderr})));
    assert_eq!(
        Kind::new(fakes.find("kind")).clusters(&generous()).await.unwrap(),
        names
    );
}

#[tokio::test]
async fn an_unknown_cluster_is_named() {
    let stderr = "ERROR: could not locate any control plane nodes for cluster named 'nothere'. Use the --name option to select a different cluster\n";
    let fakes = Fakes::new().tool("kind", always(json!({"stderr": stderr, "code": 1})));
    let error = Kind::new(fakes.find("kind"))
        .export_logs("nothere", Path::new("/nowhere"), &generous())
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @r#"
    error: there is no kind cluster "nothere"
    hint: see `kind get clusters`
    "#);
}
